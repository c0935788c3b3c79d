import { createHash } from 'node:crypto';
import { inVersion, type KindDefinition, verbsOf } from '../../resources/kind-definition.ts';
import type { KindRegistry } from '../../resources/kind-registry.ts';
import { metadataSchema } from '../../resources/metadata.ts';
import type { JsonObject } from '../bodies/json-object.ts';
import { apiVersionOf, kindsServed, servedGroups } from '../served-kinds.ts';
import { openApiSchema } from './openapi-schema.ts';

/**
 * `Document{swagger: "2.0", info{title, version}}` in gnostic's protobuf. kubectl asks for OpenAPI v2 in
 * no other form, and needs no more of it than that it is there: everything is read from v3.
 */
export const OPENAPI_V2: Buffer = Buffer.from(
  '0a03322e3012150a0a4b756265726e65746573120776312e33322e35',
  'hex',
);
export const OPENAPI_V2_TYPE = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
/** What it is answered as: clients parse it, and `@` may be in no media type. */
export const OPENAPI_V2_ANSWER = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const LIST_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';

/** A document and the hash of it, which is its ETag. */
export interface OpenApiDocument {
  readonly body: Buffer;
  readonly hash: string;
}

interface MadeDocument extends OpenApiDocument {
  /** What it was made of, which decides whether it is still good. */
  readonly of: readonly unknown[];
}

/** The OpenAPI v3 documents of a registry, each made when it is first asked for and again when its kinds change. */
export class OpenApiDocuments {
  readonly #kinds: KindRegistry;
  readonly #made = new Map<string, MadeDocument>();
  #epoch = -1;

  constructor(kinds: KindRegistry) {
    this.#kinds = kinds;
  }

  /** `/openapi/v3`: the path of each group's version, with the hash in it so that it may be kept. */
  index(): OpenApiDocument {
    const hashes = this.#paths().map(
      (path) => [path, this.groupVersion(path)?.hash ?? ''] as const,
    );
    return this.#document('', hashes.flat(), () => ({
      paths: Object.fromEntries(
        hashes.map(([path, hash]) => [
          path,
          { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` },
        ]),
      ),
    }));
  }

  /** The document at `/openapi/v3/<path>`, where `path` is `api/v1` or `apis/<group>/<version>`. */
  groupVersion(path: string): OpenApiDocument | undefined {
    this.#forgetOld();
    const known = this.#made.get(path);
    if (known !== undefined) return known;
    const at = groupVersionOf(path);
    const definitions = kindsServed(this.#kinds, at);
    if (definitions.length === 0 || !this.#paths().includes(path)) return undefined;
    return this.#document(path, definitions, () => groupVersionDocument(definitions, at));
  }

  #paths(): readonly string[] {
    return servedGroups(this.#kinds).flatMap(({ group, versions }) =>
      versions.map((version) => (group === '' ? `api/${version}` : `apis/${group}/${version}`)),
    );
  }

  /** People who define kinds change the documents of their groups, and not the large ones of ours. */
  #forgetOld(): void {
    if (this.#epoch === this.#kinds.epoch) return;
    this.#epoch = this.#kinds.epoch;
    for (const [path, { of }] of this.#made) {
      if (path !== '' && !same(of, kindsServed(this.#kinds, groupVersionOf(path)))) {
        this.#made.delete(path);
      }
    }
  }

  #document(path: string, of: readonly unknown[], make: () => JsonObject): OpenApiDocument {
    const known = this.#made.get(path);
    if (known !== undefined && same(known.of, of)) return known;
    const body = Buffer.from(JSON.stringify(make()));
    const hash = createHash('sha256').update(body).digest('hex').toUpperCase();
    const made = { body, hash, of };
    this.#made.set(path, made);
    return made;
  }
}

/** Of `api/v1` or `apis/<group>/<version>`. */
function groupVersionOf(path: string): GroupVersion {
  const [root, first = '', version = ''] = path.split('/');
  return root === 'api' ? { group: '', version: first } : { group: first, version };
}

function same(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

function groupVersionDocument(
  definitions: readonly KindDefinition[],
  at: GroupVersion,
): JsonObject {
  const schemas: JsonObject = { [OBJECT_META]: objectMeta, [LIST_META]: listMeta };
  const paths: JsonObject = {};
  for (const definition of definitions) {
    schemas[schemaName(definition, at.version)] = kindSchema(definition, at.version);
    schemas[`${schemaName(definition, at.version)}List`] = listSchema(definition, at.version);
    Object.assign(paths, pathsOf(definition, at));
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.32.5' },
    paths,
    components: { schemas },
  };
}

const objectMeta: JsonObject = {
  ...openApiSchema(metadataSchema),
  description: 'Name, namespace, labels and annotations, and what the store notes.',
};
const listMeta: JsonObject = {
  type: 'object',
  description: 'Of which version a list is, and how to read on.',
  properties: {
    continue: { type: 'string', description: 'Set when there is more; ask again with it.' },
    remainingItemCount: { type: 'integer', format: 'int64' },
    resourceVersion: { type: 'string', description: 'Watch from here to see what comes after.' },
  },
};

/** As Kubernetes names them: `io.k8s.api.core.v1.Secret`, `io.istio.security.v1.PeerAuthentication`. */
function schemaName({ group, kind }: KindDefinition, version: string): string {
  const name =
    group === '' || !group.includes('.') ? `io.k8s.api.${group || 'core'}` : reversed(group);
  return `${name}.${version}.${kind}`;
}

function reversed(group: string): string {
  return group.split('.').toReversed().join('.');
}

function gvk({ group, kind }: KindDefinition, version: string): JsonObject {
  return { group, version, kind };
}

const text = (description: string): JsonObject => ({ type: 'string', description });
const ref = (name: string, description: string): JsonObject => ({
  allOf: [{ $ref: `#/components/schemas/${name}` }],
  description,
  default: {},
});

function kindSchema(definition: KindDefinition, version: string): JsonObject {
  const { properties, ...rest } = openApiSchema(inVersion(definition, version).schema);
  return {
    ...rest,
    type: 'object',
    description: definition.description,
    properties: {
      apiVersion: text('The group and version of this representation.'),
      kind: text('What this is.'),
      metadata: ref(OBJECT_META, 'Name, namespace, labels and annotations.'),
      ...(properties as JsonObject | undefined),
    },
    'x-kubernetes-group-version-kind': [gvk(definition, version)],
  };
}

function listSchema(definition: KindDefinition, version: string): JsonObject {
  return {
    type: 'object',
    description: `A list of ${definition.plural}.`,
    required: ['items'],
    properties: {
      apiVersion: text('The group and version of this representation.'),
      kind: text('What this is.'),
      metadata: ref(LIST_META, 'Of which version it is.'),
      items: {
        type: 'array',
        items: { $ref: `#/components/schemas/${schemaName(definition, version)}` },
      },
    },
    'x-kubernetes-group-version-kind': [
      { group: definition.group, version, kind: definition.listKind ?? `${definition.kind}List` },
    ],
  };
}

const query = (name: string): JsonObject => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
});
const inPath = (name: string): JsonObject => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string', uniqueItems: true },
});
const WRITE_PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation'].map(query);
const METHODS: readonly (readonly [verb: string, method: string, action: string])[] = [
  ['get', 'get', 'get'],
  ['update', 'put', 'put'],
  ['patch', 'patch', 'patch'],
  ['delete', 'delete', 'delete'],
];

function pathsOf(definition: KindDefinition, { group, version }: GroupVersion): JsonObject {
  const base = group === '' ? `/api/${version}` : `/apis/${apiVersionOf(group, version)}`;
  const within = definition.namespaced ? `${base}/namespaces/{namespace}` : base;
  const parameters = definition.namespaced ? [inPath('namespace')] : [];
  const verbs: readonly string[] = verbsOf(definition);
  const operation = (action: string): JsonObject => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk(definition, version),
    ...(['post', 'put', 'patch'].includes(action) ? { parameters: [...WRITE_PARAMETERS] } : {}),
    responses: { 200: { description: 'OK' } },
  });
  const collection = {
    ...(verbs.includes('list') ? { get: operation('list') } : {}),
    ...(verbs.includes('create') ? { post: operation('post') } : {}),
    parameters,
  };
  const methods = METHODS.filter(([verb]) => verbs.includes(verb));
  if (methods.length === 0) return { [`${within}/${definition.plural}`]: collection };
  return {
    [`${within}/${definition.plural}`]: collection,
    [`${within}/${definition.plural}/{name}`]: {
      ...Object.fromEntries(methods.map(([, method, action]) => [method, operation(action)])),
      parameters: [...parameters, inPath('name')],
    },
  };
}
