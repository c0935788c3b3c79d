import { Type } from 'typebox';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { closed, mapOf, status } from '../schema.ts';

const LONGEST_URL = 512;
const LONGEST_TEXT = 512;
const LARGEST_PEM = 64 * 1024;
const PLACEHOLDER = /^\{(?:[^{}]+)\}$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const PEM = /^\s*(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/;

const text = (description: string) =>
  Type.String({ minLength: 1, maxLength: LONGEST_TEXT, description });

const identity = closed(
  {
    claims: mapOf(
      text('The value, or its beginning and `*`.'),
      'What the token must say, by the name of a claim, or by a JSON pointer such as `/kubernetes.io/namespace`. All must hold; of a list, one member.',
      { minProperties: 1, maxProperties: 16 },
    ),
    namespace: text('The namespace, or `{claim}` for what the token says there.'),
    serviceAccount: text('The service account, or `{claim}` for what the token says there.'),
  },
  'Tokens, and the service account that they stand for.',
);

const schema = Type.Object(
  {
    spec: closed(
      {
        issuer: Type.String({
          maxLength: LONGEST_URL,
          description: 'The `iss` of its tokens, letter by letter; an https URL.',
        }),
        jwksURI: Type.Optional(
          Type.String({
            maxLength: LONGEST_URL,
            description: 'Where its keys are. Default: where its OpenID Connect discovery says.',
          }),
        ),
        caBundle: Type.Optional(
          Type.String({
            maxLength: LARGEST_PEM,
            description: 'PEM: by which authorities its server is checked. Default: the web’s.',
          }),
        ),
        audiences: Type.Array(text('A name in `aud`.'), {
          minItems: 1,
          maxItems: 16,
          description: 'Tokens must be for one of these.',
        }),
        identities: Type.Array(identity, {
          minItems: 1,
          maxItems: 64,
          description: 'Which tokens stand for which service account; the first that fits counts.',
        }),
      },
      'An issuer of tokens, and whom its tokens stand for.',
    ),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** Somebody else whose tokens get certificates. */
export type TokenIssuer = ResourceOf<'TokenIssuer', typeof schema>;

/** A Kubernetes cluster, a CI system, a cloud: whoever serves a JWKS. */
export const tokenIssuer: KindDefinition<TokenIssuer> = {
  group: 'security.hauberk.dev',
  versions: ['v1alpha1'],
  kind: 'TokenIssuer',
  plural: 'tokenissuers',
  singular: 'tokenissuer',
  shortNames: [],
  categories: [],
  namespaced: false,
  description:
    'Another issuer of JSON Web Tokens, such as a Kubernetes cluster or a CI system. Who shows one of its tokens to the control plane gets certificates for the service account that the token stands for.',
  schema,
  validate: checkTokenIssuer,
  columns: [
    { name: 'Issuer', type: 'string', jsonPath: '.spec.issuer' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  visibility: 'never',
  confidential: false,
};

function checkTokenIssuer({ spec }: TokenIssuer, report: Report): void {
  checkUrl('spec.issuer', spec.issuer, report);
  if (spec.jwksURI !== undefined) checkUrl('spec.jwksURI', spec.jwksURI, report);
  if (spec.caBundle !== undefined && !PEM.test(spec.caBundle)) {
    report('spec.caBundle', 'must be certificates in PEM');
  }
  for (const [at, { namespace, serviceAccount }] of spec.identities.entries()) {
    const field = `spec.identities[${at}]`;
    if (!PLACEHOLDER.test(namespace) && !LABEL.test(namespace)) {
      report(`${field}.namespace`, 'must be the name of a namespace, or {claim}');
    }
    if (!PLACEHOLDER.test(serviceAccount) && !SUBDOMAIN.test(serviceAccount)) {
      report(`${field}.serviceAccount`, 'must be the name of a service account, or {claim}');
    }
  }
}

function checkUrl(field: string, value: string, report: Report): void {
  const url = URL.parse(value);
  if (url?.protocol !== 'https:' || url.username + url.password + url.hash !== '') {
    report(field, 'must be a URL with https, without user and fragment');
  }
}
