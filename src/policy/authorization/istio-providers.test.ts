import { describe } from 'vitest';
import {
  allow,
  authz,
  deny,
  from,
  itAnswers,
  meshConfig,
  plaintext,
  tcp,
  to,
  type VerdictRow,
} from '../../../test/kit/verdict-rig.ts';

// Expected by hand from Istio's semantics, never taken from what the engine said.

const IDP =
  '{apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {name: ra, namespace: bar}, spec: {jwtRules: [{issuer: "https://idp.example"}]}}';
const PROVIDERS = (...names: string[]) =>
  meshConfig(
    `extensionProviders: [${names.map((name) => `{name: ${name}, envoyExtAuthz${name.startsWith('g') ? 'Grpc' : 'Http'}: {service: authz.bar, port: 9000}}`).join(', ')}]`,
  );
const custom = (provider: string, rule = '{}', name = 'ask') =>
  authz(`{action: CUSTOM, provider: {name: ${provider}}, rules: [${rule}]}`, { name });

const others: readonly VerdictRow[] = [
  [
    'CUSTOM whose provider is not defined denies what it matches',
    custom('none'),
    {},
    ['deny', 403, 'CUSTOM', 'bar/ask', 0],
  ],
  ['and nothing else', custom('none', to('{paths: ["/admin"]}')), {}, 'allow'],
  [
    'CUSTOM that is asked, then DENY',
    [PROVIDERS('h'), custom('h'), deny('{}')],
    {},
    ['deny', 403, 'DENY', 'bar/p', 0],
  ],
  ['CUSTOM that is asked, then ALLOW', [PROVIDERS('h'), custom('h'), allow('{}')], {}, 'allow'],
  [
    'CUSTOM before a bad token',
    [IDP, custom('none')],
    { jwt: { iss: 'x' } },
    ['deny', 403, 'CUSTOM', 'bar/ask', 0],
  ],
  [
    'two providers on one workload deny',
    [PROVIDERS('h', 'i'), custom('h', '{}', 'a'), custom('i', to('{paths: ["/x"]}'), 'b')],
    {},
    ['deny', 403, 'CUSTOM', 'bar/a', 0],
  ],
  ['an HTTP provider is not asked about TCP', [PROVIDERS('h'), custom('h')], tcp, 'allow'],
  [
    'CUSTOM with HTTP fields and no provider on TCP is wider',
    custom('none', to('{paths: ["/x"]}')),
    tcp,
    'deny',
  ],
  [
    'dry-run DENY',
    authz('{action: DENY, rules: [{}]}', { meta: ', annotations: {istio.io/dry-run: "true"}' }),
    {},
    'allow',
  ],
  [
    'dry-run ALLOW does not deny the rest',
    authz('{rules: [{to: [{operation: {methods: [PUT]}}]}]}', {
      meta: ', annotations: {istio.io/dry-run: "1"}',
    }),
    {},
    'allow',
  ],
  [
    'dry-run false is enforced',
    authz('{action: DENY, rules: [{}]}', { meta: ', annotations: {istio.io/dry-run: "f"}' }),
    {},
    'deny',
  ],
  [
    'STRICT and plaintext',
    [
      '{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: d, namespace: bar}, spec: {mtls: {mode: STRICT}}}',
      allow('{}'),
    ],
    plaintext,
    ['deny', null, 'MTLS', 'bar/d', null],
  ],
  [
    'STRICT but for one port',
    [
      '{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: d, namespace: bar}, spec: {selector: {matchLabels: {app: srv}}, mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: PERMISSIVE}}}}',
      allow('{}'),
    ],
    plaintext,
    'allow',
  ],
  [
    'sources are alternatives',
    allow('{from: [{source: {namespaces: [x]}}, {source: {namespaces: [foo]}}]}'),
    {},
    'allow',
  ],
  [
    'fields of one source are all wanted',
    allow(from('{namespaces: [foo], ipBlocks: ["10.9.0.0/16"]}')),
    {},
    'deny',
  ],
  [
    'from and to and when are all wanted',
    allow(
      '{from: [{source: {namespaces: [foo]}}], to: [{operation: {methods: [GET]}}], when: [{key: "request.headers[a]", values: [b]}]}',
    ),
    {},
    'deny',
  ],
];

describe('a verdict on providers, dry runs and mutual TLS', () => itAnswers(others));
