import { compileJsonPath, type JsonPath } from '../../resources/json-path.ts';
import type { Json } from '../../resources/json-tree.ts';
import { type Column, inVersion, type KindDefinition } from '../../resources/kind-definition.ts';
import type { Resource } from '../../resources/resource.ts';
import type { JsonObject } from '../bodies/json-object.ts';
import { humanDuration } from './human-duration.ts';

export interface TableOptions {
  readonly definition: KindDefinition;
  /** Of the API, such as `v1`. */
  readonly version: string;
  readonly tableVersion: 'v1' | 'v1beta1';
  /** What of the object stands beside its row. */
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  readonly nowMs: number;
}

/** Which cells a kind shows, compiled once. */
interface CompiledColumn {
  readonly column: Column;
  readonly path: JsonPath | undefined;
}

const compiled = new WeakMap<readonly Column[], readonly CompiledColumn[]>();

function columnsOf(definition: KindDefinition, version: string): readonly CompiledColumn[] {
  const { columns } = inVersion(definition, version);
  const known = compiled.get(columns);
  if (known !== undefined) return known;
  const made = columns.map((column) => ({ column, path: compileJsonPath(column.jsonPath) }));
  compiled.set(columns, made);
  return made;
}

/** `columnDefinitions` of a Table: the name, then the kind's own. */
function columnDefinitions(definition: KindDefinition, version: string): Json[] {
  const name = {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'Unique among the resources of its kind in its namespace.',
    priority: 0,
  };
  const others = columnsOf(definition, version).map(({ column }) => ({
    name: column.name,
    // Ages are shown as text.
    type: column.type === 'date' ? 'string' : column.type,
    format: column.format ?? '',
    description: column.description ?? '',
    priority: column.priority ?? 0,
  }));
  return [name, ...others];
}

/** One row of a Table. `object` is what stands beside it, as the representation asks. */
export function tableRow(resource: Resource, options: TableOptions): JsonObject {
  const { definition, version } = options;
  const cells = columnsOf(definition, version).map((column) => cellOf(resource, column, options));
  return { cells: [resource.metadata.name, ...cells], object: besideRow(resource, options) };
}

/** A Table of meta.k8s.io around rows. */
export function tableOf(
  rows: readonly JsonObject[],
  metadata: JsonObject,
  { definition, version, tableVersion }: TableOptions,
): JsonObject {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${tableVersion}`,
    metadata,
    columnDefinitions: columnDefinitions(definition, version),
    rows: [...rows],
  };
}

function besideRow(resource: Resource, options: TableOptions): Json {
  if (options.includeObject === 'None') return null;
  if (options.includeObject === 'Object') return resource as unknown as Json;
  return partialObject(resource, options.tableVersion);
}

/** metav1.PartialObjectMetadata: the metadata alone. */
export function partialObject(resource: Resource, version: 'v1' | 'v1beta1'): JsonObject {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: resource.metadata as unknown as Json,
  };
}

function cellOf(
  resource: Resource,
  { column, path }: CompiledColumn,
  { nowMs }: TableOptions,
): Json {
  if (column.cell !== undefined) {
    const value = column.cell(resource);
    if (value === undefined) return EMPTY[column.type];
    return column.type === 'date' ? ageOf(value, nowMs) : value;
  }
  const found = path?.(resource) ?? [];
  const [first] = found;
  if (first === undefined || first === null) return EMPTY[column.type];
  if (column.type === 'date') return ageOf(first, nowMs);
  if (column.type === 'string') return textOf(found.length === 1 ? first : found);
  return typeof first === 'object' ? null : (first as Json);
}

const EMPTY: Readonly<Record<Column['type'], Json>> = {
  string: '',
  date: '<unknown>',
  integer: null,
  number: null,
  boolean: null,
};

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function ageOf(value: unknown, nowMs: number): string {
  const at = Date.parse(String(value));
  return Number.isNaN(at) ? '<invalid>' : humanDuration(nowMs - at);
}
