import type { TSchema } from 'typebox';
import { type FieldPath, fieldOf } from './field-path.ts';
import { isPlainObject, type Json } from './json-tree.ts';
import { inVersion, type KindDefinition } from './kind-definition.ts';
import { metadataSchema } from './metadata.ts';

/** What a kind knows of a resource, and the fields that it does not. */
export interface Pruned {
  /** A copy without the unknown fields; the rest, good or bad, is as it was. */
  readonly tree: Json;
  /** `spec.mtlz`, `spec.rules[0].frm`, in the order in which they were written. */
  readonly unknown: readonly string[];
}

/**
 * Drops from `tree`, a resource of that kind and version as it was written, every field that the
 * schema does not have. What has another type than the schema says is left for validation.
 */
export function pruneUnknownFields(
  tree: Json,
  { definition, version }: { readonly definition: KindDefinition; readonly version: string },
): Pruned {
  const unknown: string[] = [];
  if (!isPlainObject(tree)) return { tree, unknown };
  const { apiVersion, kind, metadata, ...fields } = tree as { readonly [key: string]: Json };
  const { schema } = inVersion(definition, version);
  const kept: { [key: string]: Json } = {};
  if (apiVersion !== undefined) kept['apiVersion'] = apiVersion;
  if (kind !== undefined) kept['kind'] = kind;
  if (metadata !== undefined) {
    kept['metadata'] = prune(metadata, metadataSchema, { path: ['metadata'], unknown });
  }
  const body = prune(fields, schema, { path: [], unknown });
  return { tree: { ...kept, ...(body as { [key: string]: Json }) }, unknown };
}

/** The parts of a schema that say which fields there are. */
interface Shape {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
  readonly additionalProperties?: boolean | TSchema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
}

interface Place {
  readonly path: FieldPath;
  readonly unknown: string[];
}

const EMBEDDED = ['apiVersion', 'kind', 'metadata'];

function prune(value: Json, schema: TSchema, place: Place): Json {
  const shape = schema as Shape;
  if (Array.isArray(value)) {
    const { items } = shape;
    return items === undefined
      ? value
      : value.map((item, index) => prune(item, items, below(place, index)));
  }
  if (value === null || typeof value !== 'object') return value;
  const kept: { [key: string]: Json } = {};
  for (const [key, field] of Object.entries(value)) {
    const known = schemaOf(key, shape);
    if (known === 'as it is') kept[key] = field;
    else if (known === undefined) place.unknown.push(fieldOf([...place.path, key]));
    else kept[key] = prune(field, known, below(place, key));
  }
  return kept;
}

function schemaOf(key: string, shape: Shape): TSchema | 'as it is' | undefined {
  const { properties, patternProperties, additionalProperties } = shape;
  if (properties !== undefined && Object.hasOwn(properties, key)) {
    return properties[key] as TSchema;
  }
  if (shape['x-kubernetes-embedded-resource'] === true && EMBEDDED.includes(key)) return 'as it is';
  const [value] = Object.values(patternProperties ?? {});
  if (value !== undefined) return value;
  if (typeof additionalProperties === 'object') return additionalProperties;
  if (shape['x-kubernetes-preserve-unknown-fields'] === true) return 'as it is';
  const open = properties === undefined && additionalProperties !== false;
  return open ? 'as it is' : undefined;
}

function below({ path, unknown }: Place, step: string | number): Place {
  return { path: [...path, step], unknown };
}
