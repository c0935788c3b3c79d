import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store } from '../../store/store.ts';
import type { Happening } from './event-recorder.ts';
import { StoredEvents } from './stored-events.ts';

const web = { kind: 'ServiceAccount', namespace: 'shop', name: 'web' };
const issued: Happening = {
  about: web,
  type: 'Normal',
  reason: 'Issued',
  message: 'issued a certificate',
  component: 'hauberk.dev/signing',
};

describe('events that are stored', () => {
  let clock: ManualClock;
  let store: Store;
  let events: StoredEvents;
  let failures: string[];
  let stop: AbortController;
  let ended: Promise<void>;

  beforeEach(async () => {
    clock = new ManualClock();
    store = memoryStore({ clock });
    failures = [];
    stop = new AbortController();
    const failed = (reason: string): void => void failures.push(reason);
    events = new StoredEvents({ store, find: (key) => store.get(key), clock, failed });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount' };
    for (const name of ['default', 'shop']) {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      await store.commit([{ op: 'put', resource: namespace }]);
    }
    const metadata = { name: 'web', namespace: 'shop' };
    await store.commit([{ op: 'put', resource: { ...account, metadata } }]);
    ended = events.run(stop.signal);
  });

  async function stored(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return (await store.list('Event')).items;
  }

  it('are of the namespace and the uid of what they are about', async () => {
    events.record(issued);
    await clock.advance(1_000);
    const uid = (await store.get(web))?.metadata.uid;
    expect(await stored()).toEqual([
      expect.objectContaining({
        metadata: expect.objectContaining({ namespace: 'shop' }),
        involvedObject: {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          namespace: 'shop',
          name: 'web',
          uid,
        },
        reason: 'Issued',
        count: 1,
        reportingComponent: 'hauberk.dev/signing',
      }),
    ]);
  });

  it('are counted when they happen again, and written twice a minute at most', async () => {
    events.record(issued);
    await clock.advance(1_000);
    const { version } = store;
    for (let second = 0; second < 29; second += 1) {
      events.record(issued);
      await clock.advance(1_000);
    }
    clock.setBy(60_000);
    await clock.advance(0);
    expect(store.version).toBe(version);
    clock.setBy(-120_000);
    await clock.advance(2_000);
    expect(await stored()).toEqual([expect.objectContaining({ count: 30 })]);
    expect(store.version).toBe(version + 1);
  });

  it('go on counting after a restart', async () => {
    events.record(issued);
    stop.abort();
    await ended;
    const again = new StoredEvents({
      store,
      find: (key) => store.get(key),
      clock,
      failed: () => {},
    });
    again.record({ ...issued });
    await again.run(AbortSignal.abort());
    expect(await stored()).toEqual([expect.objectContaining({ count: 2 })]);
  });

  it('of no namespace are in the namespace default, and of one that is gone nowhere', async () => {
    events.record({
      ...issued,
      about: { kind: 'FederatedTrustDomain.security.hauberk.dev', name: 'x' },
    });
    events.record({ ...issued, about: { ...web, namespace: 'gone' } });
    await clock.advance(1_000);
    const places = (await store.list('Event')).items.map(({ metadata }) => metadata.namespace);
    expect(places).toEqual(['default']);
    expect(failures).toEqual([]);
  });

  it('are forgotten an hour after they happened last', async () => {
    events.record(issued);
    await clock.advance(59 * 60_000);
    expect(await stored()).toHaveLength(1);
    await clock.advance(2 * 60_000);
    expect(await stored()).toEqual([]);
  });

  it('are dropped, and the operator told, when too many differ at once', async () => {
    for (let index = 0; index < 1_200; index += 1) {
      events.record({ ...issued, message: `issued number ${index}` });
    }
    await clock.advance(30_000);
    expect(await stored()).toHaveLength(1_000);
    expect(failures).toEqual([expect.stringContaining('200 events were dropped')]);
  });

  it('are the oldest that go when there are too many', async () => {
    for (let index = 0; index < 2_400; index += 1) {
      events.record({ ...issued, message: `issued number ${index}` });
      if (index % 100 === 99) await clock.advance(1_000);
    }
    await clock.advance(60_000);
    const messages = (await stored()).map((event) => event['message']);
    expect(messages).toHaveLength(2_000);
    expect(messages).toContain('issued number 2399');
    expect(messages).not.toContain('issued number 0');
  });
});
