import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostSpecificHost, resolveRuleHost } from './destination-host.ts';

describe('the host of a rule', () => {
  it.each([
    ['reviews', 'reviews.shop.svc.cluster.local'],
    ['Reviews', 'reviews.shop.svc.cluster.local'],
    // a name with a dot is whole already, and so matches no Service of Kubernetes
    ['reviews.prod', 'reviews.prod'],
    ['reviews.prod.svc.cluster.local', 'reviews.prod.svc.cluster.local'],
    ['api.example', 'api.example'],
    ['*', '*'],
    ['*.example', '*.example'],
    // a wildcard without a dot is a short name as any other
    ['*-db', '*-db.shop.svc.cluster.local'],
    ['*db', '*db.shop.svc.cluster.local'],
    ['10.0.0.1', '10.0.0.1'],
    ['2001:db8::1', '2001:db8::1'],
  ])('%s in namespace shop is %s', (host, whole) => {
    expect(resolveRuleHost(host, 'shop')).toBe(whole);
  });
});

describe('the most specific host', () => {
  it.each<[string, readonly string[], string | undefined]>([
    ['r.a.b', ['*', 'r.a.b', '*.a.b'], 'r.a.b'],
    ['r.a.b', ['*', '*.b', '*.a.b'], '*.a.b'],
    ['r.a.b', ['*', '*.b'], '*.b'],
    ['r.a.b', ['*'], '*'],
    ['r.a.b', ['*.c', 'x.a.b'], undefined],
    ['foo.com', ['*.foo.com'], undefined],
    ['foo.com', ['*foo.com'], '*foo.com'],
    ['x.y.foo.com', ['*.foo.com'], '*.foo.com'],
    // a wildcard service is meant by a rule only if all of it is
    ['*.foo.com', ['*.com', '*.x.foo.com'], '*.com'],
    ['*.foo.com', ['*.foo.com', '*'], '*.foo.com'],
    ['r.a.b', [], undefined],
  ])('for %s among %j is %s', (host, hosts, expected) => {
    expect(mostSpecificHost(host, hosts)).toBe(expected);
  });

  it('is never one whose suffix does not fit, in whatever order they are given', () => {
    const label = fc.constantFrom('a', 'b', 'c');
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    const hosts = fc.array(
      fc.oneof(
        name,
        name.map((text) => `*.${text}`),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(name, hosts, (host, all) => {
        const found = mostSpecificHost(host, all);
        expect(mostSpecificHost(host, all.toReversed())).toBe(found);
        if (found === undefined) return;
        expect(found.startsWith('*') ? host.endsWith(found.slice(1)) : host === found).toBe(true);
      }),
    );
  });
});
