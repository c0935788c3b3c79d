import { describe, expect, it } from 'vitest';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { validateResource } from '../validate-resource.ts';

const rule = { claims: { sub: 'x' }, namespace: 'shop', serviceAccount: 'reviews' };
const spec = { issuer: 'https://ci.example', audiences: ['hauberk'], identities: [rule] };

function problems(changes: object): readonly string[] {
  const validation = validateResource({
    ...{ apiVersion: 'security.hauberk.dev/v1alpha1', kind: 'TokenIssuer' },
    ...{ metadata: { name: 'ci' }, spec: { ...spec, ...changes } },
  });
  return 'problems' in validation ? validation.problems.map(({ field }) => field) : [];
}

describe('a TokenIssuer', () => {
  it.each<[string, object]>([
    ['an issuer and a rule', {}],
    ['where its keys are', { jwksURI: 'https://keys.ci.example/jwks' }],
    ['roots for its server', { caBundle: testAuthority().bundle.toPem() }],
    [
      'names that the token chooses',
      { identities: [{ ...rule, namespace: '{/kubernetes.io/namespace}' }] },
    ],
  ])('may have %s', (_, changes) => {
    expect(problems(changes)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['an issuer by plain http', { issuer: 'http://ci.example' }, 'spec.issuer'],
    ['an issuer that is no URL', { issuer: 'ci' }, 'spec.issuer'],
    ['keys by plain http', { jwksURI: 'http://ci.example' }, 'spec.jwksURI'],
    ['a user in a URL', { jwksURI: 'https://a@ci.example' }, 'spec.jwksURI'],
    ['a private key for roots', { caBundle: '-----BEGIN PRIVATE KEY-----' }, 'spec.caBundle'],
    ['no audience', { audiences: [] }, 'spec.audiences'],
    ['no rule', { identities: [] }, 'spec.identities'],
    [
      'a rule that fits everybody',
      { identities: [{ ...rule, claims: {} }] },
      'spec.identities[0].claims',
    ],
    [
      'a namespace that is none',
      { identities: [{ ...rule, namespace: 'A/B' }] },
      'spec.identities[0].namespace',
    ],
    [
      'an account that is none',
      { identities: [{ ...rule, serviceAccount: '{a}b' }] },
      'spec.identities[0].serviceAccount',
    ],
  ])('may not have %s', (_, changes, field) => {
    expect(problems(changes)).toEqual([field]);
  });
});
