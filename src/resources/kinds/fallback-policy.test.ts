import { expect, it } from 'vitest';
import { problemsOf, warningsOf } from '../../../test/kit/validated.ts';

const policy = (spec: string): string =>
  `{apiVersion: security.hauberk.dev/v1alpha1, kind: FallbackPolicy, metadata: {name: a}, spec: ${spec}}`;

it.each<[string, readonly string[]]>([
  ['{mode: Deny}', []],
  ['{mode: Plaintext, selector: {matchLabels: {app: a}}}', []],
  ['{mode: KeepLast, keepFor: 1h}', []],
  ['{mode: KeepLast, keepFor: 1ms}', ['spec.keepFor: must be between 1s and 168h with KeepLast']],
  ['{mode: KeepLast}', ['spec.keepFor: must be between 1s and 168h with KeepLast']],
  ['{mode: KeepLast, keepFor: 200h}', ['spec.keepFor: must be between 1s and 168h with KeepLast']],
  ['{mode: Deny, keepFor: 1h}', ['spec.keepFor: counts with KeepLast only, not with Deny']],
  ['{}', ['spec.mode: is required']],
])('judges %s', (spec, problems) => {
  expect(problemsOf(policy(spec))).toEqual(problems);
});

it('warns of plaintext', () => {
  expect(warningsOf(policy('{mode: Plaintext}'))).toEqual([
    expect.stringMatching(/^spec.mode: Plaintext gives up identity and secrecy/),
  ]);
  expect(warningsOf(policy('{mode: Deny}'))).toEqual([]);
});
