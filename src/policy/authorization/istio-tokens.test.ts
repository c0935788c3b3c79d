import { describe } from 'vitest';
import {
  type Asked,
  allow,
  deny,
  from,
  itAnswers,
  type VerdictRow,
  when,
} from '../../../test/kit/verdict-rig.ts';

// Expected by hand from Istio's semantics, never taken from what the engine said.

const ISS = 'https://idp.example';
const ann = {
  iss: ISS,
  sub: 'ann',
  aud: ['shop', 'x'],
  azp: 'app',
  scope: 'read write',
  realm: { roles: ['buyer'] },
  level: 7,
  staff: true,
  group: 'a',
};
const jwt = (more: object = {}): Asked => ({ jwt: { ...ann, ...more } });
const tokens = (rule: string, namespace = 'bar', more = '') =>
  `{apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {name: ra, namespace: ${namespace}}, spec: {${more}jwtRules: [${rule}]}}`;
const IDP = tokens(`{issuer: "${ISS}", audiences: [shop]}`);
const principals = (...values: string[]) => [
  IDP,
  allow(from(`{requestPrincipals: ${JSON.stringify(values)}}`)),
];
const claim = (key: string, values: string) => [
  IDP,
  allow(when(`request.auth.claims${key}`, values)),
];

const byToken: readonly VerdictRow[] = [
  ['requestPrincipals exact', principals(`${ISS}/ann`), jwt(), 'allow'],
  ['requestPrincipals of another', principals(`${ISS}/bob`), jwt(), 'deny'],
  ['requestPrincipals *', principals('*'), jwt(), 'allow'],
  ['requestPrincipals * without a token', principals('*'), {}, ['deny', 403, 'ALLOW', null, null]],
  ['requestPrincipals * of a token without sub', principals('*'), jwt({ sub: undefined }), 'deny'],
  ['requestPrincipals issuer/*', principals(`${ISS}/*`), jwt(), 'allow'],
  [
    'requestPrincipals issuer/* without sub',
    principals(`${ISS}/*`),
    jwt({ sub: undefined }),
    'deny',
  ],
  ['requestPrincipals issuer/pre*', principals(`${ISS}/a*`), jwt(), 'allow'],
  [
    'requestPrincipals prefix of the issuer without a slash is split at the last one',
    principals('https://idp*'),
    jwt(),
    'deny',
  ],
  ['requestPrincipals */sub', principals('*/ann'), jwt(), 'allow'],
  ['requestPrincipals *tail is of the subject', principals('*nn'), jwt(), 'allow'],
  [
    'requestPrincipals *suffix/sub is the end of the issuer',
    principals('*.example/ann'),
    jwt(),
    'allow',
  ],
  ['requestPrincipals without a slash', principals('ann'), jwt(), 'deny'],
  [
    'notRequestPrincipals of none',
    [IDP, deny(from('{notRequestPrincipals: ["*"]}'))],
    {},
    ['deny', 403, 'DENY', 'bar/p', 0],
  ],
  [
    'notRequestPrincipals of one',
    [IDP, deny(from('{notRequestPrincipals: ["*"]}'))],
    jwt(),
    'allow',
  ],
  [
    'when request.auth.principal',
    [IDP, allow(when('request.auth.principal', `values: ["${ISS}/ann"]`))],
    jwt(),
    'allow',
  ],
  [
    'when request.auth.audiences',
    [IDP, allow(when('request.auth.audiences', 'values: [x]'))],
    jwt(),
    'allow',
  ],
  [
    'when request.auth.audiences of one text',
    [IDP, allow(when('request.auth.audiences', 'values: [shop]'))],
    jwt({ aud: 'shop' }),
    'allow',
  ],
  [
    'when request.auth.presenter',
    [IDP, allow(when('request.auth.presenter', 'values: [app]'))],
    jwt(),
    'allow',
  ],
  [
    'when request.auth.presenter, missing',
    [IDP, allow(when('request.auth.presenter', 'values: ["*"]'))],
    jwt({ azp: undefined }),
    'deny',
  ],
  ['claim that is a text', claim('[group]', 'values: [a]'), jwt(), 'allow'],
  [
    'claim that is a list',
    claim('[group]', 'values: ["b*"]'),
    jwt({ group: ['a', 'bc'] }),
    'allow',
  ],
  ['claim within a claim', claim('[realm][roles]', 'values: [buyer]'), jwt(), 'allow'],
  ['claim with a dot is one name', claim('[realm.roles]', 'values: [buyer]'), jwt(), 'deny'],
  ['claim that is a number', claim('[level]', 'values: ["7"]'), jwt(), 'deny'],
  ['claim that is true', claim('[staff]', 'values: ["true"]'), jwt(), 'deny'],
  ['claim scope is a list in a text', claim('[scope]', 'values: [write]'), jwt(), 'allow'],
  [
    'another claim is not taken apart',
    claim('[group]', 'values: [b]'),
    jwt({ group: 'a b' }),
    'deny',
  ],
  [
    'unless the rule says so',
    [
      tokens(`{issuer: "${ISS}", spaceDelimitedClaims: [group]}`),
      allow(when('request.auth.claims[group]', 'values: [b]')),
    ],
    jwt({ group: 'a b' }),
    'allow',
  ],
  ['claim, notValues without a token', claim('[group]', 'notValues: [a]'), {}, 'allow'],
  ['names of objects are no claims', claim('[constructor]', 'notValues: ["*"]'), jwt(), 'allow'],
  [
    'an issuer that no rule has',
    [IDP, allow('{}')],
    jwt({ iss: 'x' }),
    ['deny', 401, 'JWT', null, null],
  ],
  [
    'an audience that is not allowed',
    [IDP, allow('{}')],
    jwt({ aud: 'y' }),
    ['deny', 403, 'JWT', 'bar/ra', 0],
  ],
  [
    'an expired token',
    [IDP, allow('{}')],
    jwt({ exp: 1_700_000_000 }),
    ['deny', 401, 'JWT', 'bar/ra', 0],
  ],
  [
    'a token that expired less than a minute ago',
    [IDP, allow('{}')],
    jwt({ exp: Date.UTC(2026, 0, 1) / 1000 - 30 }),
    'allow',
  ],
  [
    'a token that is not yet valid',
    [IDP, allow('{}')],
    jwt({ nbf: Date.UTC(2026, 0, 2) / 1000 }),
    ['deny', 401, 'JWT', 'bar/ra', 0],
  ],
  [
    'a bad token is refused before DENY',
    [IDP, deny('{}')],
    jwt({ iss: 'x' }),
    ['deny', 401, 'JWT', null, null],
  ],
  ['a RequestAuthentication alone wants no token', IDP, {}, 'allow'],
  [
    'one of another namespace does not look at the token',
    [tokens(`{issuer: "${ISS}"}`, 'foo'), allow(from('{requestPrincipals: ["*"]}'))],
    jwt(),
    'deny',
  ],
  [
    'one of the root namespace with a selector does',
    [
      tokens(`{issuer: "${ISS}"}`, 'istio-system', 'selector: {matchLabels: {app: srv}}, '),
      allow(from('{requestPrincipals: ["*"]}')),
    ],
    jwt(),
    'allow',
  ],
];

describe('a verdict on tokens', () => itAnswers(byToken));
