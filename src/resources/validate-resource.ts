import { checkSchema } from './check-schema.ts';
import { type FieldProblem, MAX_PROBLEMS, quote } from './field-problem.ts';
import { isPlainObject, type Json, jsonTree } from './json-tree.ts';
import {
  inVersion,
  type KindDefinition,
  type Report,
  storedApiVersion,
  verbsOf,
} from './kind-definition.ts';
import type { KindRegistry } from './kind-registry.ts';
import { builtInKinds } from './kinds.ts';
import { checkMetadata, completeMetadata, metadataSchema } from './metadata.ts';
import { suggestion } from './nearest.ts';
import type { ObjectMeta, Resource } from './resource.ts';
import { withoutNulls } from './without-nulls.ts';

/** A resource that may be stored, or everything that keeps it from being one. */
export type Validation =
  | {
      /** With defaults filled in and the apiVersion that is stored. Shares nothing with the input. */
      readonly resource: Resource;
      /** What is allowed and hardly meant. */
      readonly warnings: readonly FieldProblem[];
    }
  | {
      readonly problems: readonly FieldProblem[];
      /** Present where its shape holds and only rules beyond it are broken: for tools that look on. */
      readonly readable?: Resource;
    };

export interface ValidationOptions {
  /** For namespaced resources that name none. Default `default`. */
  readonly defaultNamespace?: string;
  /** The kinds that are served. Default: those built in. */
  readonly kinds?: KindRegistry;
}

/**
 * Checks anything for being a resource of a kind and version that is served: its metadata, its
 * schema (unknown fields are refused), and its kind's rules beyond the schema. Never throws.
 */
export function validateResource(value: unknown, options: ValidationOptions = {}): Validation {
  const copied = jsonTree(value);
  if (!('tree' in copied)) return { problems: [copied] };
  const { tree } = copied;
  const typed = typeOf(tree, options.kinds ?? builtInKinds);
  if ('problems' in typed) return typed;
  const { definition, version } = typed;
  const read = readFields(typed, options.defaultNamespace ?? 'default');
  if (read.resource === undefined) return { problems: read.problems };
  const resource = definition.complete?.(read.resource) ?? read.resource;
  if (read.problems.length > 0) return { problems: read.problems, readable: resource };
  const problems = collect((report) => definition.validate?.(resource, report, version));
  if (problems.length > 0) return { problems, readable: resource };
  return { resource, warnings: collect((report) => definition.warn?.(resource, report)) };
}

type Fields = Readonly<Record<string, Json>>;

/** The fields of something whose kind is known, and the version that it is written in. */
interface Typed {
  readonly fields: Fields;
  readonly definition: KindDefinition;
  readonly version: string;
}

function typeOf(
  tree: Json,
  kinds: KindRegistry,
): Typed | { readonly problems: readonly FieldProblem[] } {
  if (!isPlainObject(tree)) {
    return refused('', 'a resource is an object with apiVersion, kind and metadata');
  }
  const fields = tree as Fields;
  const problems = collect((report) => {
    for (const field of ['apiVersion', 'kind']) {
      const given = fields[field];
      if (given === undefined) report(field, 'is required');
      else if (typeof given !== 'string') report(field, 'must be a string');
    }
  });
  const { apiVersion, kind } = fields;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return { problems };
  const definition = kinds.kindOf({ apiVersion, kind });
  if (definition === undefined) return unknownKind({ apiVersion, kind }, kinds);
  return { fields, definition, version: apiVersion.slice(apiVersion.indexOf('/') + 1) };
}

function unknownKind(
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
  { definitions }: KindRegistry,
): { problems: readonly FieldProblem[] } {
  const meant = definitions.find((definition) => definition.kind === kind);
  if (meant !== undefined) {
    const { group, versions } = meant;
    const served = versions.map((version) => (group === '' ? version : `${group}/${version}`));
    return refused(
      'apiVersion',
      `${quote(apiVersion)} does not serve ${kind}; use ${served.join(', ')}`,
    );
  }
  const writable = definitions.filter(
    (definition) => definition.writtenBy === undefined && verbsOf(definition).includes('create'),
  );
  const names = writable.map((definition) => definition.kind);
  return refused(
    'kind',
    `${quote(kind)} is not a kind that is known here${suggestion(kind, names)}`,
  );
}

/** The resource, its metadata completed, where both schemas hold; and what is wrong with it. */
function readFields(
  { fields, definition, version }: Typed,
  defaultNamespace: string,
): { readonly resource: Resource | undefined; readonly problems: readonly FieldProblem[] } {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = fields;
  const written = named(metadata, definition);
  if (written === undefined) {
    return { resource: undefined, ...refused('metadata', 'is required') };
  }
  const { confidential, kind, strategicMerge = false } = definition;
  const { schema } = inVersion(definition, version);
  const given = withoutNulls(written, metadataSchema, 'all');
  const body = withoutNulls(rest, schema, strategicMerge ? 'all' : 'nullable');
  const problems = [
    ...checkSchema(given, { schema: metadataSchema, at: ['metadata'], confidential }),
  ];
  const completed =
    problems.length > 0
      ? undefined
      : completeMetadata(given as unknown as ObjectMeta, definition, defaultNamespace);
  if (completed !== undefined) {
    problems.push(...collect((report) => checkMetadata(completed, definition, report)));
  }
  const misshapen = checkSchema(body, { schema, confidential });
  const isReadable = typeof completed?.name === 'string' && misshapen.length === 0;
  return {
    problems: [...problems, ...misshapen].slice(0, MAX_PROBLEMS),
    resource: isReadable
      ? {
          apiVersion: storedApiVersion(definition),
          kind,
          metadata: completed,
          ...(body as Fields),
        }
      : undefined,
  };
}

/** The metadata as written, with the name that its kind gives to those without one. */
function named(metadata: Json | undefined, { unnamed }: KindDefinition): Json | undefined {
  if (unnamed === undefined) return metadata;
  if (metadata === undefined) return { ...unnamed };
  if (!isPlainObject(metadata) || Object.hasOwn(metadata, 'name')) return metadata;
  return { ...unnamed, ...(metadata as Fields) };
}

function refused(field: string, message: string): { problems: readonly FieldProblem[] } {
  return { problems: [{ field, message }] };
}

function collect(check: (report: Report) => void): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  check((field, message, reason) => {
    if (problems.length >= MAX_PROBLEMS) return;
    problems.push({ field, message, ...(reason === undefined ? {} : { reason }) });
  });
  return problems;
}
