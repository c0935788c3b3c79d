import { expect, it } from 'vitest';
import { problemsOf, warningsOf } from '../../../test/kit/validated.ts';

function rules(...jwtRules: string[]): string {
  return `{apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {name: a}, spec: {jwtRules: [${jwtRules.join()}]}}`;
}
const KEYS = '\'{"keys": [{"kty": "RSA", "n": "x", "e": "AQAB"}]}\'';

it.each([
  rules(),
  rules('{issuer: "https://a"}'),
  rules('{jwksUri: "https://a/keys", fromHeaders: [{name: x, prefix: "Bearer "}], timeout: 5s}'),
  rules(`{issuer: a, jwks: ${KEYS}, outputClaimToHeaders: [{header: x-sub, claim: sub}]}`),
  '{apiVersion: security.istio.io/v1beta1, kind: RequestAuthentication, metadata: {name: a}}',
])('takes %s', (yaml) => {
  expect(problemsOf(yaml)).toEqual([]);
  expect(warningsOf(yaml)).toEqual([]);
});

it.each([
  ['{audiences: [a]}', 'issuer: issuer or jwksUri must be set'],
  ['{issuer: ""}', 'issuer: must not be empty'],
  ['{issuer: a, jwksUri: "ftp://a"}', 'jwksUri: "ftp://a" must begin with http:// or https://'],
  ['{issuer: a, jwksUri: "https://a:port"}', 'jwksUri: "https://a:port" is not a URL'],
  ['{issuer: a, jwks: "{}"}', 'jwks: is not a JSON Web Key Set: {"keys": […]}'],
  ['{issuer: a, audiences: [""]}', 'audiences[0]: must not be empty'],
  [
    '{issuer: a, fromHeaders: [null]}',
    'fromHeaders[0]: must be an object, not null; leave the field out if nothing is meant',
  ],
  [
    '{issuer: a, outputClaimToHeaders: [{header: ":authority", claim: x}]}',
    'outputClaimToHeaders[0].header: ":authority" is not the name of a header; use letters, digits, "-" and "_"',
  ],
  ['{issuer: a, timeout: 1.5ms}', 'timeout: must be in whole milliseconds'],
  ['{issuer: a, timeout: 10us}', 'timeout: "10us" must be at least 1ms'],
])('refuses the rule %s', (rule, problem) => {
  expect(problemsOf(rules(rule))).toEqual([`spec.jwtRules[0].${problem}`]);
});

it('refuses two sources of keys', () => {
  expect(problemsOf(rules(`{issuer: a, jwks: ${KEYS}, jwksUri: "https://a"}`))).toEqual([
    'spec.jwtRules[0]: only one of "jwks", "jwksUri" can be set',
  ]);
});

it('warns of private keys, which do not belong there', () => {
  const jwks = '\'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}\'';
  expect(warningsOf(rules(`{issuer: a, jwks: ${jwks}}`))).toEqual([
    'spec.jwtRules[0].jwks: jwks key at index 0 contains private key material; who reads it can issue tokens',
  ]);
});
