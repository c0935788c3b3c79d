import { MeshError } from '../lib/errors.ts';
import type { ApiClient } from './api-client.ts';
import type { ApiResource } from './discovery.ts';

/** One schema of OpenAPI v3, as far as it explains a field. */
export interface FieldSchema {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly items?: FieldSchema;
  readonly additionalProperties?: FieldSchema | boolean;
  readonly allOf?: readonly FieldSchema[];
  readonly $ref?: string;
  readonly 'x-kubernetes-int-or-string'?: boolean;
}

/** The schema of a kind and those that it refers to. */
export interface KindSchema {
  readonly root: FieldSchema;
  /** With references followed; the outer description wins. */
  resolve(schema: FieldSchema): FieldSchema;
}

type Document = {
  readonly components?: { readonly schemas?: Readonly<Record<string, FieldSchema>> };
};
type Marked = FieldSchema & {
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group?: string;
    readonly version?: string;
    readonly kind?: string;
  }[];
};

const PREFIX = '#/components/schemas/';
const MOST_HOPS = 16;

/** @throws {MeshError} ERR_NOT_FOUND when the server explains nothing of that kind. */
export async function readSchema(client: ApiClient, resource: ApiResource): Promise<KindSchema> {
  const { group, version, kind } = resource;
  const path = group === '' ? `/openapi/v3/api/${version}` : `/openapi/v3/apis/${group}/${version}`;
  const { components } = await client.json<Document>({ path });
  const schemas = components?.schemas ?? {};
  const root = Object.values(schemas).find((schema: Marked) =>
    schema['x-kubernetes-group-version-kind']?.some(
      (one) => (one.group ?? '') === group && one.version === version && one.kind === kind,
    ),
  );
  if (root === undefined) {
    throw new MeshError('ERR_NOT_FOUND', `the server has no description of ${kind} in ${version}`);
  }
  return { root, resolve: (schema) => resolved(schema, schemas) };
}

function resolved(
  schema: FieldSchema,
  schemas: Readonly<Record<string, FieldSchema>>,
): FieldSchema {
  let found = schema;
  for (let hop = 0; hop < MOST_HOPS; hop += 1) {
    const reference: unknown = found.$ref ?? found.allOf?.[0]?.$ref;
    if (typeof reference !== 'string' || !reference.startsWith(PREFIX)) break;
    const name = reference.slice(PREFIX.length);
    const target = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    if (target === undefined) break;
    const { description = target.description } = found;
    found = { ...target, ...(description === undefined ? {} : { description }) };
  }
  return found;
}
