import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namespaceMatch, serviceAccountMatch, trustDomainMatch } from './identity-match.ts';

/** Identities made of the parts that matter, in any order, some segments empty. */
const identity = fc
  .array(fc.constantFrom('ns/a', 'ns/b', 'sa/a', 'sa/b', 'sa/ab', 'ns', 'sa', 'a', ''), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.join('/'));
const name = fc.constantFrom('a', 'b', 'ab', 'ns');

describe('the identity matchers agree with the regular expressions of Istio', () => {
  it('for namespaces', () => {
    const value = fc.constantFrom('a', 'b', 'ab', 'ns', '*', 'a*', '*b', 'a*b', '*a*', 'a*sa');
    fc.assert(
      fc.property(value, identity, (namespace, candidate) => {
        const regex = new RegExp(`^.*/ns/${namespace.replaceAll('*', '.*')}/.*$`);
        const expected = regex.test(`spiffe://${candidate}`);
        expect(namespaceMatch(namespace)(candidate)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('for service accounts', () => {
    fc.assert(
      fc.property(name, name, fc.boolean(), identity, (namespace, account, isBare, candidate) => {
        const value = isBare ? account : `${namespace}/${account}`;
        const regex = new RegExp(`^spiffe://.+/ns/${namespace}/(.+/|)sa/${account}(/.+)?$`);
        const expected = regex.test(`spiffe://${candidate}`);
        expect(serviceAccountMatch(value, namespace)(candidate)).toBe(expected);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ['td/ns/a/sa/b', true],
    ['/ns/a/sa/b', false],
    ['td/ns/a//sa/b', false],
    ['td/ns/a/x/sa/b', true],
    ['td/ns/a/sa/b/', false],
    ['td/ns/a/sa/b/x', true],
    ['td/ns/a/sa/bb', false],
    ['td/ns/a/xsa/b', false],
    ['td/ns/a/xsa/b/sa/b', true],
    ['td/ns/c/ns/a/sa/b', true],
    ['td/ns/a/ns/a/sa/b', true],
  ])('takes "%s" for the service account a/b: %s', (candidate, expected) => {
    expect(serviceAccountMatch('a/b', 'x')(candidate)).toBe(expected);
    expect(/^spiffe:\/\/.+\/ns\/a\/(.+\/|)sa\/b(\/.+)?$/.test(`spiffe://${candidate}`)).toBe(
      expected,
    );
  });

  it('for trust domains', () => {
    const value = fc.constantFrom('a', 'ab', 'a*', '*b', '*');
    fc.assert(
      fc.property(value, identity, (domain, candidate) => {
        const rest = domain === '*' ? '.*' : `${domain.replaceAll('*', '[^/]*')}/.*`;
        const expected = new RegExp(`^spiffe://${rest}$`).test(`spiffe://${candidate}`);
        expect(trustDomainMatch(domain)(candidate)).toBe(expected);
      }),
    );
  });

  it('without their backtracking', () => {
    const hostile = `td${'/ns/a/sa/'.repeat(20_000)}`;
    expect(serviceAccountMatch('a/b', 'a')(hostile)).toBe(false);
  }, 1_000);
});
