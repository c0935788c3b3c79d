import { Type } from 'typebox';
import { type KindDefinition, READ_ONLY, type ResourceOf } from '../kind-definition.ts';
import { closed, status } from '../schema.ts';

/** Of the keys; a hundred large ones are far less. */
const LONGEST_KEYS = 512 * 1024;

const schema = Type.Object(
  {
    spec: closed(
      {
        source: Type.String({
          ...{ minLength: 1, maxLength: 4_096 },
          description:
            'The URL from which the keys were fetched, or that of the configuration which names it.',
        }),
        jwks: Type.String({ maxLength: LONGEST_KEYS, description: 'The JSON Web Key Set.' }),
      },
      'The public keys of an issuer.',
    ),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** The public keys of an issuer that a RequestAuthentication names by URL; its name is a hash of that. */
export type JsonWebKeySet = ResourceOf<'JsonWebKeySet', typeof schema>;

/** What the control plane fetched for RequestAuthentications, so that no sidecar must. */
export const jsonWebKeySet: KindDefinition<JsonWebKeySet> = {
  group: 'security.hauberk.dev',
  versions: ['v1alpha1'],
  kind: 'JsonWebKeySet',
  plural: 'jsonwebkeysets',
  singular: 'jsonwebkeyset',
  shortNames: ['jwks'],
  categories: [],
  namespaced: false,
  description:
    'The public keys of an issuer of tokens, fetched by the control plane for RequestAuthentications that name them by URL. The control plane writes it; it cannot be applied or deleted.',
  schema,
  columns: [{ name: 'Source', type: 'string', jsonPath: '.spec.source' }],
  verbs: READ_ONLY,
  visibility: 'mesh',
  confidential: false,
  writtenBy: 'the control plane',
};
