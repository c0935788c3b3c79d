import { inVersion, type KindDefinition } from './kind-definition.ts';
import { metadataSchema } from './metadata.ts';
import { type OpenApiSchema, openApiSchema } from './openapi-schema.ts';

/** Schemas by the name under which `#/components/schemas/` has them. */
export type OpenApiComponents = Readonly<Record<string, OpenApiSchema>>;

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Where every object's metadata is described. */
export const OBJECT_META = `${META}.ObjectMeta`;
const LIST_META = `${META}.ListMeta`;

/**
 * The name of a kind's schema, as Kubernetes makes it: the group backwards, the version, the kind.
 * `io.istio.security.v1.PeerAuthentication`, `io.k8s.api.core.v1.Service`.
 */
export function componentName(definition: KindDefinition, version: string): string {
  const { group, kind, strategicMerge = false } = definition;
  if (strategicMerge) {
    const [first = ''] = group.split('.');
    return `io.k8s.api.${group === '' ? 'core' : first}.${version}.${kind}`;
  }
  return `${group.split('.').toReversed().join('.')}.${version}.${kind}`;
}

/** What `explain`, `apply` and generators of clients need of one version of a kind and of its list. */
export function openApiComponents(definition: KindDefinition, version: string): OpenApiComponents {
  const { group, kind, listKind = `${kind}List`, description } = definition;
  const name = componentName(definition, version);
  const { schema } = inVersion(definition, version);
  const { properties, required, ...rest } = openApiSchema(schema) as {
    readonly properties?: Readonly<Record<string, OpenApiSchema>>;
    readonly required?: readonly string[];
  };
  const object: OpenApiSchema = {
    ...rest,
    type: 'object',
    description,
    ...(required === undefined ? {} : { required }),
    properties: {
      ...TYPE_FIELDS,
      metadata: reference(OBJECT_META, 'Name, namespace, labels and annotations.'),
      ...properties,
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
  };
  const list: OpenApiSchema = {
    type: 'object',
    description: `A list of ${kind}.`,
    required: ['items'],
    properties: {
      ...TYPE_FIELDS,
      metadata: reference(LIST_META, 'The version of the list, and where it goes on.'),
      items: {
        type: 'array',
        description: `One ${kind} each.`,
        items: { allOf: [{ $ref: `#/components/schemas/${name}` }] },
      },
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind: listKind }],
  };
  return { [name]: object, [`${name}List`]: list };
}

/** The schemas that those of all kinds refer to. */
export function metaComponents(): OpenApiComponents {
  return {
    [OBJECT_META]: openApiSchema(metadataSchema),
    [LIST_META]: {
      type: 'object',
      description: 'What a list says of itself.',
      properties: {
        resourceVersion: {
          type: 'string',
          description: 'The version of the store it was read at.',
        },
        continue: { type: 'string', description: 'What to ask for the next page with.' },
        remainingItemCount: {
          type: 'integer',
          format: 'int64',
          description: 'How many there are after this page.',
        },
        selfLink: { type: 'string', description: 'No longer used by Kubernetes.' },
      },
    },
  };
}

const TYPE_FIELDS: Readonly<Record<string, OpenApiSchema>> = {
  apiVersion: { type: 'string', description: 'Group and version of the kind: `group/version`.' },
  kind: { type: 'string', description: 'What the object is.' },
};

function reference(component: string, description: string): OpenApiSchema {
  return { description, allOf: [{ $ref: `#/components/schemas/${component}` }], default: {} };
}
