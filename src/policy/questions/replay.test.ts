import { describe, expect, it } from 'vitest';
import {
  allow,
  deny,
  fromSource,
  peerAuthentication,
  toOperation,
  workloadEntry,
} from '../../../test/kit/policies.ts';
import type { Resource } from '../../resources/resource.ts';
import { meshInventory } from './mesh-inventory.ts';
import { pathShape, type WorkloadCall } from './recorded-call.ts';
import { changedResources, replay } from './replay.ts';
import { suggestPolicies } from './suggest-policies.ts';

const products = 'cluster.local/ns/shop/sa/products';
const frontend = 'cluster.local/ns/shop/sa/frontend';
const entry = workloadEntry({ labels: { app: 'reviews', version: 'v1' } });

function call(more: Partial<WorkloadCall> = {}): WorkloadCall {
  return {
    namespace: 'shop',
    workload: 'reviews-1',
    principal: products,
    sourceIp: '10.0.0.1',
    port: 8080,
    http: undefined,
    allowed: true,
    decision: '',
    count: 1,
    lastSeenMs: 1_000,
    requestId: '',
    ...more,
  };
}
const get = (path: string, method = 'GET') => ({ method, path, host: 'reviews.shop' });

function tried(
  calls: readonly WorkloadCall[],
  before: readonly object[],
  change: readonly object[],
) {
  const present = [entry, ...before] as unknown as readonly Resource[];
  const changed = changedResources(present, change as readonly Resource[]);
  const result = replay(
    calls,
    { before: meshInventory(present), after: meshInventory(changed) },
    0,
  );
  const shown = (list: typeof result.refused) =>
    list.map(({ call: { principal, http } }) => `${principal} ${http?.path ?? 'tcp'}`);
  return {
    refused: shown(result.refused),
    allowed: shown(result.allowed),
    unclear: shown(result.unclear),
    unknown: result.unknown,
  };
}

describe('a change tried on what was seen', () => {
  const onlyFrontend = allow([fromSource({ principals: [frontend] })]);
  const nothing = { refused: [], allowed: [], unclear: [], unknown: 0 };

  it('names who would be refused, and nobody else', () => {
    const calls = [call(), call({ principal: frontend })];
    expect(tried(calls, [], [onlyFrontend])).toEqual({ ...nothing, refused: [`${products} tcp`] });
    expect(tried(calls, [onlyFrontend], [])).toEqual(nothing);
  });

  it('names who would be let through that is refused now', () => {
    expect(tried([call({ allowed: false })], [onlyFrontend], [allow([{}])])).toEqual({
      ...nothing,
      allowed: [`${products} tcp`],
    });
  });

  it('looks at methods and paths of requests, and not at their connections', () => {
    const calls = [call(), call({ http: get('/api/{*}') }), call({ http: get('/admin') })];
    const change = allow([toOperation({ paths: ['/api/*'], methods: ['GET'] })]);
    expect(tried(calls, [], [change])).toEqual({ ...nothing, refused: [`${products} /admin`] });
  });

  it('cannot tell of requests where only connections were seen, unless no request would do', () => {
    const reads = toOperation({ methods: ['GET'] });
    const change = allow([{ ...fromSource({ principals: [frontend] }), ...reads }]);
    expect(tried([call(), call({ principal: frontend })], [], [change])).toEqual({
      ...nothing,
      refused: [`${products} tcp`],
      unclear: [`${frontend} tcp`],
    });
    expect(tried([call()], [], [deny([toOperation({ methods: ['POST'] })])])).toEqual({
      ...nothing,
      unclear: [`${products} tcp`],
    });
  });

  it('knows that STRICT refuses plaintext', () => {
    const plaintext = call({ principal: '' });
    const strict = peerAuthentication({ mtls: { mode: 'STRICT' } });
    expect(tried([plaintext, call()], [], [strict])).toEqual({ ...nothing, refused: [' tcp'] });
  });

  it('counts calls to workloads that are gone', () => {
    expect(tried([call({ workload: 'gone' })], [], [onlyFrontend]).unknown).toBe(1);
  });
});

describe('suggested policies', () => {
  const mesh = meshInventory([entry] as unknown as readonly Resource[]);

  it('let through what was seen and no more', () => {
    const calls = [
      call({ http: get('/api/{*}'), count: 3, lastSeenMs: 5_000 }),
      call({ http: get('/api/{*}', 'HEAD') }),
      call({ http: get('/api/{*}'), principal: frontend }),
      call({ http: get('/api/{*}', 'HEAD'), principal: frontend }),
      call({ port: 9090, principal: frontend }),
      call({ principal: '', sourceIp: '10.9.9.9' }),
      call({ principal: 'cluster.local/ns/bank/sa/x', allowed: false }),
    ];
    const [suggestion, ...others] = suggestPolicies(calls, mesh);
    expect(others).toEqual([]);
    expect(suggestion).toMatchObject({
      kinds: 5,
      calls: 7,
      lastSeenMs: 5_000,
      plaintext: ['10.9.9.9'],
    });
    const api = { operation: { ports: ['8080'], methods: ['GET', 'HEAD'], paths: ['/api/{*}'] } };
    expect(suggestion?.policy.spec).toEqual({
      selector: { matchLabels: { app: 'reviews' } },
      action: 'ALLOW',
      rules: [
        {
          from: [{ source: { principals: [frontend] } }],
          to: [{ operation: { ports: ['9090'] } }, api],
        },
        { from: [{ source: { principals: [products] } }], to: [api] },
      ],
    });
    const identified = calls.filter(({ principal, allowed }) => principal !== '' && allowed);
    const applied = suggestion === undefined ? [] : [suggestion.policy];
    expect(tried(identified, [], applied).refused).toEqual([]);
  });

  it('are none where nobody with an identity was let through', () => {
    expect(suggestPolicies([call({ principal: '' }), call({ allowed: false })], mesh)).toEqual([]);
  });
});

it.each([
  ['/api/products', '/api/products'],
  ['/users/17', '/users/{*}'],
  ['/users/17/orders/9f8e7d6c5b4a', '/users/{*}/orders/{*}'],
  ['/u/0b9f4d1e-6f0e-4c0e-9d58-1f5a3c0c7a11', '/u/{*}'],
  ['/deadbeef', '/deadbeef'],
  [`/${'x'.repeat(41)}`, '/{*}'],
  ['/', '/'],
  [`${'/a'.repeat(20)}`, `${'/a'.repeat(15)}/{*}`],
])('the path %s has the shape %s', (path, shape) => {
  expect(pathShape(path)).toBe(shape);
});
