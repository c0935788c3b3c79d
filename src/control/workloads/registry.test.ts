import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store } from '../../store/store.ts';
import { WorkloadRegistry } from './registry.ts';

const KEY = { kind: 'WorkloadEntry.networking.istio.io', namespace: 'shop', name: 'reviews-1' };
const registrant = { namespace: 'shop', serviceAccount: 'reviews' };
const report = { name: 'reviews-1', address: '10.0.0.7', hbonePort: 15_008, ports: {} };
let clock: ManualClock;
let store: Store;
let failures: string[];
let stop: AbortController;

beforeEach(async () => {
  clock = new ManualClock();
  store = memoryStore({ clock });
  failures = [];
  stop = new AbortController();
  await label({ app: 'reviews' });
});

async function label(labels: Record<string, string>): Promise<void> {
  const metadata = { namespace: 'shop', name: 'reviews', labels };
  await store.commit([
    { op: 'put', resource: { apiVersion: 'v1', kind: 'ServiceAccount', metadata } },
  ]);
}

function running(): { registry: WorkloadRegistry; ended: Promise<void> } {
  const events = { taskFailed: ({ reason }: { reason: string }) => failures.push(reason) };
  const registry = new WorkloadRegistry({ store, clock, events, graceMs: 60_000 });
  return { registry, ended: registry.run(stop.signal) };
}

describe('WorkloadRegistry', () => {
  it('keeps an entry while its agent is connected, and for the grace time after', async () => {
    const { registry, ended } = running();
    await registry.connected(registrant, report);
    await clock.advance(600_000);
    expect(await store.get(KEY)).toBeDefined();
    registry.disconnected(registrant, 'reviews-1');
    await clock.advance(59_000);
    expect(await store.get(KEY)).toBeDefined();
    await clock.advance(2_000);
    expect(await store.get(KEY)).toBeUndefined();
    stop.abort();
    await ended;
    expect(failures).toEqual([]);
  });

  it('makes the grace time neither shorter nor longer when the wall clock is set', async () => {
    const { registry } = running();
    await registry.connected(registrant, report);
    registry.disconnected(registrant, 'reviews-1');
    clock.setBy(3_600_000);
    await clock.advance(59_000);
    expect(await store.get(KEY)).toBeDefined();
    clock.setBy(-7_200_000);
    await clock.advance(2_000);
    expect(await store.get(KEY)).toBeUndefined();
    stop.abort();
  });

  it('survives the disconnection of a sidecar that was taken over', async () => {
    const { registry } = running();
    await registry.connected(registrant, report);
    await registry.connected(registrant, report);
    registry.disconnected(registrant, 'reviews-1');
    await clock.advance(120_000);
    expect(await store.get(KEY)).toBeDefined();
    stop.abort();
  });

  it('gives the agents of an earlier run the grace time to come back', async () => {
    const first = running();
    await first.registry.connected(registrant, report);
    stop.abort();
    await first.ended;
    stop = new AbortController();
    running();
    await clock.advance(50_000);
    expect(await store.get(KEY)).toBeDefined();
    await clock.advance(15_000);
    expect(await store.get(KEY)).toBeUndefined();
    stop.abort();
  });

  it('carries a change of the account’s labels to its workloads', async () => {
    const { registry } = running();
    await registry.connected(registrant, report);
    await clock.advance(0);
    await label({ app: 'reviews', version: 'v2' });
    await clock.advance(0);
    expect((await store.get(KEY))?.metadata.labels).toEqual({ app: 'reviews', version: 'v2' });
    stop.abort();
  });
});
