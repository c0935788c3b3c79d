import { expect, it } from 'vitest';
import { problemsOf } from '../../../test/kit/validated.ts';

function withSpec(spec: string): string {
  return `{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: a}, spec: ${spec}}`;
}

function withSource(source: string): string {
  return withSpec(`{rules: [{from: [{source: ${source}}]}]}`);
}

it.each([
  '{principals: ["*", "cluster.local/*", "*/sa/a", "a*b"]}',
  '{notPrincipals: [a], requestPrincipals: ["iss/*"], notRequestPrincipals: ["*"]}',
  '{namespaces: [shop, "shop-*"], notNamespaces: ["*"]}',
  '{serviceAccounts: [shop/a, b], notServiceAccounts: [c]}',
  '{trustDomains: ["*", "td-*", "*.example", td], notTrustDomains: [a]}',
  '{ipBlocks: [10.0.0.1, 10.0.0.0/8, "fd00::/8"], notIpBlocks: ["::1"]}',
  '{remoteIpBlocks: [10.0.0.1], notRemoteIpBlocks: [0.0.0.0/0]}',
])('takes %s', (source) => {
  expect(problemsOf(withSource(source))).toEqual([]);
});

const at = 'spec.rules[0].from[0].source';
const TOGETHER = `${at}: cannot set serviceAccounts with namespaces or principals`;
it.each([
  ['{}', `${at}: must not be empty; leave out "from" to mean every caller`],
  ['{principals: []}', `${at}: must not be empty; leave out "from" to mean every caller`],
  ['null', `${at}: must be an object, not null; leave the field out if nothing is meant`],
  ['{serviceAccounts: [a], principals: [b]}', TOGETHER],
  ['{serviceAccounts: [a], namespaces: [b]}', TOGETHER],
  ['{notServiceAccounts: [a], notPrincipals: [b]}', TOGETHER],
  ['{serviceAccounts: [a], notNamespaces: [b]}', TOGETHER],
  ...[
    'principals',
    'notPrincipals',
    'requestPrincipals',
    'notRequestPrincipals',
    'namespaces',
    'notNamespaces',
    'serviceAccounts',
    'notServiceAccounts',
    'trustDomains',
    'notTrustDomains',
    'ipBlocks',
    'notIpBlocks',
    'remoteIpBlocks',
    'notRemoteIpBlocks',
  ].map((field) => [`{${field}: [""]}`, `${at}.${field}[0]: must not be empty`]),
  ...['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'].flatMap((field) => [
    [
      `{${field}: [10.0.0.1, 10.0.0.256]}`,
      `${at}.${field}[1]: bad IP address "10.0.0.256"; write for example "10.0.0.1" or "10.0.0.0/8"`,
    ],
    [
      `{${field}: [10.0.0.0/33]}`,
      `${at}.${field}[0]: bad CIDR range "10.0.0.0/33"; write for example "10.0.0.0/8"`,
    ],
  ]),
  ['{ipBlocks: 10.0.0.1}', `${at}.ipBlocks: must be a list, not "10.0.0.1"`],
  [
    '{serviceAccounts: ["shop/*"]}',
    `${at}.serviceAccounts[0]: "shop/*" has a wildcard; service accounts have none`,
  ],
  [
    '{notServiceAccounts: [a/b/c]}',
    `${at}.notServiceAccounts[0]: "a/b/c" has more than one "/"; write <namespace>/<name>`,
  ],
  [
    '{serviceAccounts: [/a]}',
    `${at}.serviceAccounts[0]: "/a" has nothing on one side of the "/"; write <namespace>/<name>`,
  ],
  [
    '{serviceAccounts: [a/]}',
    `${at}.serviceAccounts[0]: "a/" has nothing on one side of the "/"; write <namespace>/<name>`,
  ],
  [
    `{serviceAccounts: [${'a'.repeat(321)}]}`,
    `${at}.serviceAccounts[0]: has more than 320 characters`,
  ],
  [
    `{serviceAccounts: [${Array.from({ length: 17 }, () => 'a').join(',')}]}`,
    `${at}.serviceAccounts: has more than 16 elements`,
  ],
  ['{trustDomains: ["*a*"]}', `${at}.trustDomains[0]: "*a*" has more than one "*"`],
  [
    '{notTrustDomains: ["a*b"]}',
    `${at}.notTrustDomains[0]: "a*b" has a "*" in its middle; it may stand at the start or the end`,
  ],
  ['{trustDomains: [a/b]}', `${at}.trustDomains[0]: "a/b" has a "/"; write the trust domain only`],
  ['{principal: [a]}', `${at}.principal: unknown field "principal"; did you mean "principals"?`],
])('refuses %s', (source, problem) => {
  expect(problemsOf(withSource(source))).toEqual([problem]);
});

it.each([
  [
    '{rules: [{from: []}]}',
    'spec.rules[0].from: must not be empty; leave it out to mean every caller',
  ],
  ['{rules: [{from: [{}]}]}', 'spec.rules[0].from[0].source: is required'],
  [
    '{rules: [{from: [null]}]}',
    'spec.rules[0].from[0]: must be an object, not null; leave the field out if nothing is meant',
  ],
  [
    `{rules: [{from: [${Array.from({ length: 513 }, () => '{source: {ipBlocks: [::1]}}').join(',')}]}]}`,
    'spec.rules[0].from: has more than 512 elements',
  ],
])('refuses %s', (spec, problem) => {
  expect(problemsOf(withSpec(spec))).toEqual([problem]);
});

it.each([
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
  'trustDomains',
  'notTrustDomains',
  'principals',
  'notPrincipals',
  'requestPrincipals',
  'notRequestPrincipals',
])('refuses %s with the action CUSTOM', (field) => {
  const spec = `{action: CUSTOM, provider: {name: p}, rules: [{from: [{source: {${field}: [a]}}]}]}`;
  expect(problemsOf(withSpec(spec))).toEqual([
    `spec.rules[0].from[0].source.${field}: is not supported with the action CUSTOM`,
  ]);
});

it('takes addresses with the action CUSTOM', () => {
  const spec =
    '{action: CUSTOM, provider: {name: p}, rules: [{from: [{source: {ipBlocks: ["::1"]}}], when: [{key: source.ip, values: ["::1"]}]}]}';
  expect(problemsOf(withSpec(spec))).toEqual([]);
});
