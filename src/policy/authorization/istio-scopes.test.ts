import { describe } from 'vitest';
import {
  allow,
  authz,
  deny,
  from,
  itAnswers,
  meshConfig,
  ROOT,
  tcp,
  to,
  type VerdictRow,
  when,
} from '../../../test/kit/verdict-rig.ts';

// Expected by hand from Istio's semantics, never taken from what the engine said.

const IDP =
  '{apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {name: ra, namespace: bar}, spec: {jwtRules: [{issuer: "https://idp.example"}]}}';

const empties: readonly VerdictRow[] = [
  ['no policy', meshConfig(''), {}, ['allow', 200, null, null, null]],
  ['spec {} allows nothing', authz('{}'), {}, 'deny'],
  ['no rules allow nothing', authz('{action: ALLOW}'), {}, 'deny'],
  ['rules [{}] allow all', authz('{rules: [{}]}'), {}, ['allow', 200, 'ALLOW', 'bar/p', 0]],
  [
    'rules [{}] deny all',
    authz('{action: DENY, rules: [{}]}'),
    {},
    ['deny', 403, 'DENY', 'bar/p', 0],
  ],
  [
    'DENY before ALLOW',
    [allow('{}', { name: 'a' }), deny('{}', { name: 'b' })],
    {},
    ['deny', 403, 'DENY', 'bar/b', 0],
  ],
  [
    'ALLOW is an OR of policies',
    [allow(to('{methods: [PUT]}'), { name: 'a' }), allow('{}', { name: 'b' })],
    {},
    ['allow', 200, 'ALLOW', 'bar/b', 0],
  ],
  [
    'DENY that does not match, and no ALLOW',
    deny(to('{methods: [PUT]}')),
    {},
    ['allow', 200, null, null, null],
  ],
  [
    'second rule',
    authz(
      '{rules: [{to: [{operation: {methods: [PUT]}}]}, {to: [{operation: {methods: [GET]}}]}]}',
    ),
    {},
    ['allow', 200, 'ALLOW', 'bar/p', 1],
  ],
  ['AUDIT allows nothing and denies nothing', authz('{action: AUDIT, rules: [{}]}'), {}, 'allow'],
  [
    'an ALLOW that can never match denies other ports too',
    allow(to('{ports: ["1"]}')),
    { destination: { port: 9999 } },
    'deny',
  ],
  [
    'an ALLOW in a mesh whose root denies',
    [deny('{}', ROOT), allow('{}')],
    {},
    ['deny', 403, 'DENY', 'istio-system/p', 0],
  ],
  [
    'a root ALLOW adds to those of the namespace',
    [authz('{}'), allow('{}', ROOT)],
    {},
    ['allow', 200, 'ALLOW', 'istio-system/p', 0],
  ],
];

const scopes: readonly VerdictRow[] = [
  ['a policy of another namespace', authz('{}', { namespace: 'foo' }), {}, 'allow'],
  ['a selector with the label', authz('{selector: {matchLabels: {app: srv}}}'), {}, 'deny'],
  [
    'a selector with all of several labels',
    authz('{selector: {matchLabels: {app: srv, version: v1}}}'),
    {},
    'deny',
  ],
  [
    'a selector with one label too many',
    authz('{selector: {matchLabels: {app: srv, version: v2}}}'),
    {},
    'allow',
  ],
  ['an empty selector', authz('{selector: {}}'), {}, 'deny'],
  ['the root namespace without selector', authz('{}', ROOT), {}, 'deny'],
  [
    'the root namespace with a selector is for all namespaces',
    authz('{selector: {matchLabels: {app: srv}}}', ROOT),
    {},
    'deny',
  ],
  [
    'the root namespace with another selector',
    authz('{selector: {matchLabels: {app: other}}}', ROOT),
    {},
    'allow',
  ],
  [
    'another root namespace',
    [meshConfig('rootNamespace: admin'), authz('{}', { namespace: 'admin' })],
    {},
    'allow',
  ],
  [
    'targetRef of a Service is for waypoints',
    authz('{targetRef: {kind: Service, group: "", name: srv}}'),
    {},
    'allow',
  ],
  [
    'targetRefs of a ServiceEntry',
    authz('{targetRefs: [{kind: ServiceEntry, group: networking.istio.io, name: srv}]}'),
    {},
    'allow',
  ],
  [
    'targetRefs of a Gateway, DENY',
    authz(
      '{action: DENY, targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: gw}], rules: [{}]}',
    ),
    {},
    'allow',
  ],
  [
    'targetRefs of a GatewayClass',
    authz(
      '{action: DENY, targetRefs: [{kind: GatewayClass, group: gateway.networking.k8s.io, name: istio-waypoint}], rules: [{}]}',
      ROOT,
    ),
    {},
    'allow',
  ],
];

const onTcp: readonly VerdictRow[] = [
  [
    'ALLOW by identity',
    allow(from('{namespaces: [foo]}')),
    tcp,
    ['allow', null, 'ALLOW', 'bar/p', 0],
  ],
  [
    'ALLOW by method matches no TCP',
    allow(to('{methods: [GET]}')),
    tcp,
    ['deny', null, 'ALLOW', null, null],
  ],
  [
    'ALLOW by port and method matches no TCP',
    allow(to('{ports: ["8080"], methods: [GET]}')),
    tcp,
    'deny',
  ],
  [
    'ALLOW with one rule that has HTTP and one that has not',
    authz(
      '{rules: [{to: [{operation: {paths: ["/a"]}}]}, {from: [{source: {namespaces: [foo]}}]}]}',
    ),
    tcp,
    ['allow', null, 'ALLOW', 'bar/p', 1],
  ],
  [
    'one of several operations with HTTP drops the whole ALLOW rule',
    allow('{to: [{operation: {ports: ["8080"]}}, {operation: {methods: [GET]}}]}'),
    tcp,
    'deny',
  ],
  ['DENY with nothing but HTTP denies all TCP', deny(to('{methods: [POST]}')), tcp, 'deny'],
  [
    'DENY by method and port denies the port',
    deny(to('{ports: ["8080"], methods: [POST]}')),
    tcp,
    'deny',
  ],
  [
    'and no other',
    deny(to('{ports: ["8080"], methods: [POST]}')),
    { http: null, destination: { protocol: 'TCP', port: 9090 } },
    'allow',
  ],
  ['DENY by notMethods is widened as well', deny(to('{notMethods: [GET]}')), tcp, 'deny'],
  [
    'DENY by identity and path keeps the identity',
    deny('{from: [{source: {namespaces: [other]}}], to: [{operation: {paths: ["/a"]}}]}'),
    tcp,
    'allow',
  ],
  ['DENY by header', deny(when('request.headers[a]', 'values: [b]')), tcp, 'deny'],
  ['DENY by token', deny(from('{requestPrincipals: ["*"]}')), tcp, 'deny'],
  [
    'ALLOW by notRequestPrincipals is HTTP too',
    allow(from('{notRequestPrincipals: ["*"]}')),
    tcp,
    'deny',
  ],
  [
    'ALLOW by SNI',
    allow(when('connection.sni', 'values: ["*.bar.svc.cluster.local"]')),
    { ...tcp, sni: 'a.bar.svc.cluster.local' },
    'allow',
  ],
  [
    'RequestAuthentication does not matter',
    [IDP, allow('{}')],
    { ...tcp, jwt: { iss: 'x' } },
    'allow',
  ],
  [
    'AUDIT with HTTP',
    authz('{action: AUDIT, rules: [{to: [{operation: {methods: [GET]}}]}]}'),
    tcp,
    'allow',
  ],
  [
    'a database port is TCP too',
    allow(to('{methods: [GET]}')),
    { http: { method: 'GET' }, destination: { protocol: 'Mongo' } },
    'deny',
  ],
];

describe('a verdict on empty policies and several', () => itAnswers(empties));
describe('a verdict on policies and whom they are for', () => itAnswers(scopes));
describe('a verdict on connections of TCP', () => itAnswers(onTcp));
