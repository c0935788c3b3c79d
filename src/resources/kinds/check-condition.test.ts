import { expect, it } from 'vitest';
import { problemsOf } from '../../../test/kit/validated.ts';

function withSpec(spec: string): string {
  return `{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: a}, spec: ${spec}}`;
}

function withCondition(condition: string): string {
  return withSpec(`{rules: [{when: [${condition}]}]}`);
}

it.each([
  '{key: source.ip, values: [10.0.0.0/8], notValues: ["::1"]}',
  '{key: remote.ip, values: [10.0.0.1]}',
  '{key: destination.ip, notValues: [10.0.0.1]}',
  '{key: destination.port, values: ["8080"]}',
  '{key: source.namespace, values: ["a*"]}',
  '{key: source.principal, values: ["*"]}',
  '{key: source.serviceAccount, values: [a/b]}',
  '{key: source.trustDomain, values: ["a*"]}',
  '{key: request.auth.principal, values: [a]}',
  '{key: request.auth.audiences, values: [a]}',
  '{key: request.auth.presenter, values: [a]}',
  '{key: "request.auth.claims[a][b]", values: [a]}',
  '{key: "request.headers[:method]", values: [GET]}',
  '{key: connection.sni, values: ["*.example"]}',
  '{key: "experimental.envoy.filters.a.b[c]", values: ["[d]"]}',
])('takes %s', (condition) => {
  expect(problemsOf(withCondition(condition))).toEqual([]);
});

const at = 'spec.rules[0].when[0]';
it.each([
  ['{key: "", values: [a]}', `${at}.key: must not be empty`],
  ['{values: [a]}', `${at}.key: is required`],
  ['null', `${at}: must be an object, not null; leave the field out if nothing is meant`],
  [
    '{key: source.ip}',
    `${at}: at least one of values and notValues must be set for the key "source.ip"`,
  ],
  [
    '{key: connection.sni, values: [], notValues: []}',
    `${at}: at least one of values and notValues must be set for the key "connection.sni"`,
  ],
  ['{key: connection.sni, values: [""]}', `${at}.values[0]: must not be empty`],
  [
    '{key: source.ip, notValues: [a, ""]}',
    `${at}.notValues[1]: must not be empty`,
    `${at}.notValues[0]: bad IP address "a"; write for example "10.0.0.1" or "10.0.0.0/8"`,
  ],
  ...['source.ip', 'remote.ip', 'destination.ip'].map((key) => [
    `{key: ${key}, values: [10.0.0.0/a]}`,
    `${at}.values[0]: bad CIDR range "10.0.0.0/a"; write for example "10.0.0.0/8"`,
  ]),
  [
    '{key: destination.port, values: ["70000"]}',
    `${at}.values[0]: bad port "70000"; a port is a number up to 65535, in quotes`,
  ],
  [
    '{key: source.serviceAccount, notValues: [a/*]}',
    `${at}.notValues[0]: "a/*" has a wildcard; service accounts have none`,
  ],
  [
    `{key: source.serviceAccount, values: [${Array.from({ length: 17 }, () => 'a').join(',')}]}`,
    `${at}.values: has more than 16 elements`,
  ],
  [
    '{key: source.trustDomain, values: ["a/b"]}',
    `${at}.values[0]: "a/b" has a "/"; write the trust domain only`,
  ],
  [
    '{key: source.principle, values: [a]}',
    `${at}.key: unknown attribute "source.principle"; did you mean "source.principal"?`,
  ],
  ['{key: constructor, values: [a]}', `${at}.key: unknown attribute "constructor"`],
  ...[
    'request.headers[]',
    'request.headers',
    'request.headers[a',
    'request.auth.claims',
    'request.auth.claims[]',
    'experimental.envoy.filters.a',
  ].map((key) => [
    `{key: "${key}", values: [a]}`,
    `${at}.key: bad key "${key}"; it must have a name in brackets, as a[b]`,
  ]),
  [
    '{key: "destination.labels[version]", values: [a]}',
    `${at}.key: the attribute "destination.labels[version]" is no longer supported; use the selector of the policy`,
  ],
  [
    '{key: destination.namespace, values: [a]}',
    `${at}.key: the attribute "destination.namespace" is no longer supported; a policy is for the namespace it is in`,
  ],
  ...['destination.name', 'destination.user'].map((key) => [
    `{key: ${key}, values: [a]}`,
    `${at}.key: the attribute "${key}" is no longer supported; use the selector of the policy`,
  ]),
])('refuses %s', (condition, ...problems) => {
  expect(problemsOf(withCondition(condition))).toEqual(problems);
});

it.each([
  'source.namespace',
  'source.serviceAccount',
  'source.trustDomain',
  'source.principal',
  'request.auth.principal',
  'request.auth.audiences',
  'request.auth.presenter',
  'request.auth.claims[a]',
])('refuses the key %s with the action CUSTOM', (key) => {
  const spec = `{action: CUSTOM, provider: {name: p}, rules: [{when: [{key: "${key}", values: [a]}]}]}`;
  expect(problemsOf(withSpec(spec))).toEqual([
    `spec.rules[0].when[0].key: "${key}" is not supported with the action CUSTOM`,
  ]);
});
