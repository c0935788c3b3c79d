import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClaimMapping, mapClaims } from './claim-mapping.ts';

const claims = {
  sub: 'repo:acme/shop:ref:refs/heads/main',
  repository: 'acme/shop',
  run: 7,
  groups: ['dev', 'ops'],
  'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'reviews' } },
  'a/b': { 'c~d': 'x' },
};
const to = (changes: Partial<ClaimMapping>): ClaimMapping => ({
  ...{ claims: { repository: 'acme/shop' }, namespace: 'ci', serviceAccount: 'deployer' },
  ...changes,
});
const mapped = (...mappings: ClaimMapping[]) => {
  const account = mapClaims(mappings, claims);
  return account && `${account.namespace}/${account.serviceAccount}`;
};

describe('mapClaims', () => {
  it.each<[string, Record<string, string>]>([
    ['an equal value', { repository: 'acme/shop' }],
    ['a beginning', { sub: 'repo:acme/*' }],
    ['anything that is there', { repository: '*' }],
    ['a number', { run: '7' }],
    ['a member of a list', { groups: 'ops' }],
    ['a claim inside of another', { '/kubernetes.io/serviceaccount/name': 'reviews' }],
    ['names with slash and tilde', { '/a~1b/c~0d': 'x' }],
    ['several that all hold', { repository: 'acme/shop', groups: 'dev' }],
  ])('takes %s', (_, conditions) => {
    expect(mapped(to({ claims: conditions }))).toBe('ci/deployer');
  });

  it.each<[string, Record<string, string>]>([
    ['another value', { repository: 'acme/shopx' }],
    ['a value that only begins so', { repository: 'acme' }],
    ['a claim that is missing', { actor: '*' }],
    ['an object', { 'kubernetes.io': '*' }],
    ['one of several that does not hold', { repository: 'acme/shop', groups: 'root' }],
    ['what every object has', { '/constructor/name': '*' }],
    ['nothing to hold', {}],
  ])('does not take %s', (_, conditions) => {
    expect(mapped(to({ claims: conditions }))).toBeUndefined();
  });

  it('takes the first that fits', () => {
    const other = to({ claims: { repository: 'x' }, namespace: 'no' });
    expect(mapped(other, to({ namespace: 'one' }), to({ namespace: 'two' }))).toBe('one/deployer');
  });

  it('fills in what the token says, and says that it did', () => {
    const mapping = to({
      namespace: '{/kubernetes.io/namespace}',
      serviceAccount: '{/kubernetes.io/serviceaccount/name}',
    });
    expect(mapClaims([mapping], claims)).toEqual({
      ...{ namespace: 'shop', serviceAccount: 'reviews', chosen: true },
    });
    expect(mapped(to({ namespace: '{repository}' }))).toBeUndefined();
    expect(mapped(to({ namespace: '{missing}' }))).toBeUndefined();
    expect(mapped(to({ serviceAccount: '{groups}' }))).toBeUndefined();
  });

  it('gives names of namespaces and accounts only, whatever a token says', () => {
    const mapping = to({ claims: { a: '*' }, namespace: '{a}', serviceAccount: '{b}' });
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const account = mapClaims([mapping], { a, b });
        if (account === undefined) return;
        expect(account.namespace).toMatch(/^[a-z0-9-]{1,63}$/);
        expect(account.serviceAccount).toMatch(/^[a-z0-9.-]{1,253}$/);
      }),
    );
  });
});
