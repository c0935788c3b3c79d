import { expect, it } from 'vitest';
import { problemsOf } from '../../../test/kit/validated.ts';

it('takes what kubectl prints of a ServiceAccount', () => {
  expect(
    problemsOf(`
      apiVersion: v1
      kind: ServiceAccount
      metadata: {name: reviews.v1, namespace: shop}
      automountServiceAccountToken: false
      imagePullSecrets: [{name: a}]
      secrets: [{name: reviews-token-x, kind: Secret}]
    `),
  ).toEqual([]);
});

it.each([
  ['1h', true],
  ['10s', true],
  ['0s', false],
  ['a day', false],
])('knows whether its SVIDs may live for %s: %s', (lifetime, good) => {
  const yaml = `{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, annotations: {security.hauberk.dev/svid-lifetime: ${lifetime}}}}`;
  expect(problemsOf(yaml)).toEqual(
    good
      ? []
      : [
          `metadata.annotations[security.hauberk.dev/svid-lifetime]: "${lifetime}" is not a lifetime; write for example "1h" or "10s"`,
        ],
  );
});
