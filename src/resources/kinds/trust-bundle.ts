import { Type } from 'typebox';
import { messageOf } from '../../lib/errors.ts';
import { parseBundleJson } from '../../spiffe/bundle-json.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { closed, status } from '../schema.ts';

const LONGEST_DOCUMENT = 1024 * 1024;
const LONGEST_WINDOW_S = 90 * 86_400;

const schema = Type.Object(
  {
    spec: closed(
      {
        trustDomain: Type.String({
          maxLength: 255,
          description: 'The trust domain whose authorities these are.',
        }),
        document: Type.String({
          maxLength: LONGEST_DOCUMENT,
          description: 'The SPIFFE bundle: a JWKS with spiffe_sequence, as JSON in a string.',
        }),
        renewal: Type.Optional(
          closed(
            {
              signer: Type.String({
                maxLength: 40,
                description: 'Serial of the certificate whose key signs now.',
              }),
              withinSeconds: Type.Number({ minimum: 0, maximum: LONGEST_WINDOW_S }),
            },
            'SVIDs of another signer are to be renewed, each at some moment of so many seconds.',
          ),
        ),
      },
      'Whose keys, and which.',
    ),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** The authorities of one trust domain, as every agent is to trust them. */
export type TrustBundleResource = ResourceOf<'TrustBundle', typeof schema>;

/** One object a trust domain, so that what one of them publishes never displaces another's. */
export const trustBundle: KindDefinition<TrustBundleResource> = {
  group: 'security.hauberk.dev',
  versions: ['v1alpha1'],
  kind: 'TrustBundle',
  plural: 'trustbundles',
  singular: 'trustbundle',
  shortNames: [],
  categories: [],
  namespaced: false,
  description:
    'The authorities of one trust domain as a SPIFFE bundle. The control plane writes it whenever they change; it cannot be applied or deleted.',
  schema,
  validate: checkBundle,
  columns: [{ name: 'Trust Domain', type: 'string', jsonPath: '.spec.trustDomain' }],
  visibility: 'mesh',
  confidential: false,
  writtenBy: 'the control plane',
};

function checkBundle({ spec }: TrustBundleResource, report: Report): void {
  try {
    if (TrustDomain.parse(spec.trustDomain).name !== spec.trustDomain) {
      report('spec.trustDomain', 'must be the bare name of a trust domain');
    }
  } catch (error) {
    report('spec.trustDomain', messageOf(error));
  }
  try {
    parseBundleJson(spec.document);
  } catch (error) {
    report('spec.document', messageOf(error));
  }
}
