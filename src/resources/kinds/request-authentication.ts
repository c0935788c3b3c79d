import { type Static, Type } from 'typebox';
import { duration, flag, list, text, texts } from '../fields.ts';
import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed, closedOrEmpty, status } from '../schema.ts';
import { atMostOne } from '../schema-keywords.ts';
import { attachmentFields } from './attachment.ts';
import { checkRequestAuthentication, warnOfRequestAuthentication } from './check-jwt-rule.ts';
import { ageColumn } from './columns.ts';

const url = { minLength: 1, maxLength: 2048 };
const filled = { minLength: 1 };

const jwtRule = lazy(() =>
  Type.Object(
    {
      issuer: text('Who issues the tokens, as in their `iss`.', filled),
      audiences: texts(
        'Audiences of which a token must be for one; any where it is left out.',
        {},
        filled,
      ),
      jwksUri: text(
        'Where the public keys of the issuer are; found by its issuer where left out.',
        url,
      ),
      jwks_uri: text('Replaced by `jwksUri`.', url),
      jwks: text('The public keys themselves, as a JSON Web Key Set.'),
      fromHeaders: list(
        closed(
          {
            name: Type.String({ minLength: 1, description: 'Name of the header.' }),
            prefix: text('What stands before the token, such as `Bearer `.'),
          },
          'One header.',
        ),
        'Headers with the token; Authorization where no place is named.',
      ),
      fromParams: texts('Parameters of the query with the token.', {}, filled),
      fromCookies: texts('Cookies with the token.', {}, filled),
      outputPayloadToHeader: text('Header that gets the payload of a good token, in base64url.'),
      outputClaimToHeaders: list(
        closed(
          {
            header: Type.String({ minLength: 1, description: 'Name of the header.' }),
            claim: Type.String({ minLength: 1, description: 'Name of the claim.' }),
          },
          'One claim and its header.',
        ),
        'Headers that get claims of a good token.',
      ),
      forwardOriginalToken: flag('Whether the workload gets the token too.'),
      timeout: duration('How long the fetching of keys may take.'),
      spaceDelimitedClaims: texts('Claims that are lists in one text.', { maxItems: 64 }, filled),
    },
    {
      additionalProperties: false,
      description: 'Tokens of one issuer.',
      ...atMostOne(['jwks', 'jwksUri', 'jwks_uri']),
    },
  ),
);

const schema = lazy(() =>
  Type.Object(
    {
      spec: closedOrEmpty(
        {
          ...attachmentFields,
          jwtRules: list(jwtRule(), 'The issuers whose tokens are checked.', { maxItems: 4096 }),
        },
        'How tokens of requests are checked.',
      ),
      status: Type.Optional(status),
    },
    { additionalProperties: false },
  ),
);

/** Tokens of one issuer: `spec.jwtRules[]`. */
export type JwtRule = Immutable<Static<ReturnType<typeof jwtRule>>>;
/** How tokens of requests are checked. */
export type RequestAuthentication = ResourceOf<'RequestAuthentication', ReturnType<typeof schema>>;

/** Istio's RequestAuthentication. */
export const requestAuthentication: KindDefinition<RequestAuthentication> = {
  group: 'security.istio.io',
  versions: ['v1', 'v1beta1'],
  kind: 'RequestAuthentication',
  plural: 'requestauthentications',
  singular: 'requestauthentication',
  shortNames: ['ra'],
  categories: ['istio-io', 'security-istio-io'],
  namespaced: true,
  description:
    'Says which tokens (JWT) of requests are good. A bad one is refused; a request without one goes on, unless an AuthorizationPolicy wants one.',
  get schema() {
    return schema();
  },
  columns: [ageColumn],
  validate: checkRequestAuthentication,
  warn: warnOfRequestAuthentication,
  subresources: { status: true },
  visibility: 'own-and-root',
  confidential: false,
};
