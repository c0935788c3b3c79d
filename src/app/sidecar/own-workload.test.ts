import { describe, expect, it } from 'vitest';
import { WatchableValue } from '../../lib/watchable.ts';
import { type MeshFacts, noFacts } from '../../policy/mesh-facts.ts';
import type { ServiceAccount } from '../../resources/kinds/service-account.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { advertisedHost, onLifetimeChange, ownWorkload } from './own-workload.ts';

const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');

function factsWith(labels: Record<string, string>, lifetime?: string): MeshFacts {
  const annotations =
    lifetime === undefined ? {} : { 'security.hauberk.dev/svid-lifetime': lifetime };
  const account: ServiceAccount = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace: 'shop', name: 'reviews', labels, annotations },
  };
  return { ...noFacts, serviceAccounts: [account] };
}

describe('ownWorkload', () => {
  it('wears the labels of its service account and follows them', () => {
    const facts = new WatchableValue(noFacts);
    const workload = ownWorkload(id, 'reviews-1', facts);
    expect(workload.current).toEqual({
      namespace: 'shop',
      serviceAccount: 'reviews',
      name: 'reviews-1',
      labels: {},
    });
    const seen: unknown[] = [];
    workload.subscribe(({ labels }) => seen.push(labels));
    facts.set(factsWith({ app: 'reviews' }));
    facts.set(factsWith({ app: 'reviews' }));
    expect(seen).toEqual([{ app: 'reviews' }]);
  });

  it('is for service accounts only', () => {
    const other = SpiffeId.parse('spiffe://cluster.local/vm/7');
    expect(() => ownWorkload(other, undefined, new WatchableValue(noFacts))).toThrow(
      /not the identity of a service account/,
    );
  });

  it('makes up a name that an object may have', () => {
    const { name } = ownWorkload(id, undefined, new WatchableValue(noFacts)).current;
    expect(name).toMatch(/^reviews(-[a-z0-9]([a-z0-9-]*[a-z0-9])?)?$/);
  });
});

it('onLifetimeChange calls for a change of the operator’s setting, not for its first sight', () => {
  const facts = new WatchableValue(noFacts);
  let calls = 0;
  onLifetimeChange(facts, ownWorkload(id, 'r', facts).current, () => {
    calls += 1;
  });
  facts.set(factsWith({}, '1h'));
  expect(calls).toBe(0);
  facts.set(factsWith({ app: 'x' }, '1h'));
  expect(calls).toBe(0);
  facts.set(factsWith({ app: 'x' }, '10s'));
  facts.set(factsWith({ app: 'x' }));
  expect(calls).toBe(2);
});

it.each([
  [
    'what was given',
    { advertise: { host: '192.0.2.1', hbonePort: undefined }, hbone: { host: '0.0.0.0', port: 1 } },
    /^192\.0\.2\.1$/,
  ],
  [
    'where it listens',
    { advertise: { host: undefined, hbonePort: undefined }, hbone: { host: '127.0.0.1', port: 1 } },
    /^127\.0\.0\.1$/,
  ],
  [
    'an address of this host',
    { advertise: { host: undefined, hbonePort: undefined }, hbone: { host: '0.0.0.0', port: 1 } },
    /^\d+\.\d+\.\d+\.\d+$/,
  ],
])('advertises %s', (_name, config, address) => expect(advertisedHost(config)).toMatch(address));
