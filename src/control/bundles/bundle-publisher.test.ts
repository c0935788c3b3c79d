import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store } from '../../store/store.ts';
import { type BundlePublisher, bundlePublisher } from './bundle-publisher.ts';
import { readTrustBundle, trustBundleKey } from './trust-bundle-resource.ts';

const one = testAuthority();
const two = testAuthority();
const both = TrustBundle.of(one.trustDomain, [one.root, two.root]);
let store: Store;
let bundle: WatchableValue<TrustBundle>;
let publisher: BundlePublisher;
let failures: string[];
const clock = new ManualClock();

beforeEach(() => {
  store = memoryStore({ clock });
  bundle = new WatchableValue(TrustBundle.of(one.trustDomain, [one.root]));
  failures = [];
  publisher = publisherOf(store);
});

function publisherOf(target: Pick<Store, 'get' | 'commit'>): BundlePublisher {
  const events = { taskFailed: ({ reason }: { reason: string }) => void failures.push(reason) };
  return bundlePublisher({ store: target, bundle, clock, events });
}

async function published(): Promise<TrustBundle | undefined> {
  const stored = await store.get(trustBundleKey(one.trustDomain));
  return stored && readTrustBundle(stored);
}

describe('bundlePublisher', () => {
  it('stores the bundle under the first sequence number and says since which version', async () => {
    expect(await publisher.publish()).toEqual({ version: store.version, sequence: 1 });
    expect((await published())?.sequence).toBe(1);
    expect((await published())?.hasContentOf(bundle.current)).toBe(true);
  });

  it('raises the sequence number with a change of content, and only then', async () => {
    const first = await publisher.publish();
    expect(await publisher.publish()).toEqual(first);
    bundle.set(both);
    expect((await publisher.publish()).version).toBeGreaterThan(first.version);
    expect((await published())?.sequence).toBe(2);
    bundle.set(both.withSequence(77));
    await publisher.publish();
    expect((await published())?.sequence).toBe(2);
  });

  it('goes on counting after a restart', async () => {
    await publisher.publish();
    bundle.set(both);
    await publisherOf(store).publish();
    expect((await published())?.sequence).toBe(2);
  });

  it('follows the bundle and tries again when the store refuses', async () => {
    let refusals = 2;
    const refusing: Pick<Store, 'get' | 'commit'> = {
      get: (key) => store.get(key),
      async commit(changes) {
        refusals -= 1;
        if (refusals >= 0) throw new Error('the disk is full');
        return store.commit(changes);
      },
    };
    const stopping = new AbortController();
    const run = publisherOf(refusing).run(stopping.signal);
    await clock.advance(60_000);
    expect(failures).toEqual(['the disk is full', 'the disk is full']);
    bundle.set(both);
    await clock.advance(1);
    expect((await published())?.x509Authorities).toHaveLength(2);
    stopping.abort();
    await run;
  });
});

afterEach(() => store.close());
