import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Resource } from '../../src/resources/resource.ts';
import type { Store, StoreEvent } from '../../src/store/store.ts';
import { ManualClock } from './manual-clock.ts';
import { readEvents } from './read-events.ts';
import type { StoreRig } from './store-rig.ts';

const RETENTION = { events: 50, versionsPerObject: 5 };

/** What a watch promises, for the contract suite. */
export function describeStoreWatch(makeRig: () => StoreRig): void {
  const clock = new ManualClock();
  let rig: StoreRig;
  let store: Store;
  let stop: AbortController;
  beforeEach(() => {
    rig = makeRig();
    store = rig.open({ clock, retention: RETENTION });
    stop = new AbortController();
  });
  afterEach(() => {
    stop.abort();
    store.close();
    rig.dispose();
  });

  const watch = (fromVersion: number, kind?: string): AsyncIterator<StoreEvent> =>
    store
      .watch(kind === undefined ? { fromVersion } : { fromVersion, kind }, stop.signal)
      [Symbol.asyncIterator]();
  const write = (value: number, kind = 'Service'): Promise<unknown> =>
    store.commit([{ op: 'put', resource: resource(kind, value) }]);

  it('gives the events of the past and then those to come', async () => {
    await write(1);
    await write(2);
    const events = watch(0);
    const reading = readEvents(events, 4);
    await write(3);
    await store.commit([{ op: 'delete', key: { kind: 'Service', namespace: 'n', name: 'x' } }]);
    expect((await reading).map(brief)).toEqual([
      ['ADDED', 1, 1],
      ['MODIFIED', 2, 2],
      ['MODIFIED', 3, 3],
      ['DELETED', 4, 3],
    ]);
  });

  it('shares the objects of its events with every other reader', async () => {
    const events = [watch(0), watch(0)];
    await write(1);
    const read = await Promise.all(events.map((each) => readEvents(each, 1)));
    const stored = await store.get({ kind: 'Service', namespace: 'n', name: 'x' });
    for (const [event] of read) expect(event?.resource).toBe(stored);
  });

  it('gives the events of one kind only, and waits through commits of others', async () => {
    const events = watch(0, 'Secret');
    const reading = readEvents(events, 2);
    for (let value = 0; value < 3 * RETENTION.events; value++) {
      await write(value);
      if (value % RETENTION.events === 0) await write(value, 'Secret');
      await new Promise(setImmediate);
    }
    expect((await reading).map(({ version }) => version)).toEqual([2, RETENTION.events + 3]);
  });

  it('can be taken up in the middle of a commit', async () => {
    await store.commit(['Service', 'Secret', 'Namespace'].map((kind) => putOf(kind)));
    const [event] = await readEvents(watch(1), 1);
    expect(event).toMatchObject({ version: 2, resource: { kind: 'Secret' } });
  });

  it('goes on across a restart from where it was', async () => {
    await write(1);
    await write(2);
    const [first] = await readEvents(watch(0), 1);
    store = rig.restart(store);
    const reading = readEvents(watch(first?.version ?? 0), 2);
    await write(3);
    expect((await reading).map(brief)).toEqual([
      ['MODIFIED', 2, 2],
      ['MODIFIED', 3, 3],
    ]);
  });

  it('reads on from the log when its reader is slow', async () => {
    const events = watch(0);
    const read: StoreEvent[] = [];
    for (let value = 1; value <= 4 * RETENTION.events; value++) {
      await write(value);
      if (value % 40 === 0) read.push(...(await readEvents(events, 40)));
    }
    expect(read.map(({ version }) => version)).toEqual(
      Array.from({ length: 4 * RETENTION.events }, (_, index) => index + 1),
    );
  });

  it('fails when its reader is slower than the log is long', async () => {
    await write(0);
    const events = watch(0);
    await readEvents(events, 1);
    for (let value = 1; value <= 2 * RETENTION.events; value++) await write(value);
    await expect(events.next()).rejects.toMatchObject({ code: 'ERR_GONE' });
  });

  it('starts at any version that the retention keeps, and fails below', async () => {
    for (let value = 1; value <= 56; value++) await write(value);
    await expect(watch(5).next()).rejects.toThrow(
      'events after version 5 are gone, the log begins after 6; list again and watch from there',
    );
    const [first] = await readEvents(watch(6), 1);
    expect(first?.version).toBe(7);
    store = rig.restart(store);
    await expect(watch(5).next()).rejects.toMatchObject({ code: 'ERR_GONE' });
    expect(await readEvents(watch(6), 50)).toHaveLength(50);
  });

  it.each([
    [1, 'ERR_GONE'],
    [-1, 'ERR_GONE'],
    [0.5, 'ERR_USAGE'],
    [Number.NaN, 'ERR_USAGE'],
  ])('refuses to start at version %d, where the store never was', async (from, code) => {
    await expect(watch(from).next()).rejects.toMatchObject({ code });
  });

  it('ends without an error when its signal aborts, waiting or not', async () => {
    await write(1);
    await write(2);
    const between = watch(0);
    await readEvents(between, 1);
    const waiting = watch(2).next();
    const unread = watch(0);
    stop.abort(new Error('enough'));
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await between.next()).toEqual({ done: true, value: undefined });
    expect(await unread.next()).toEqual({ done: true, value: undefined });
    expect(await watch(0).next()).toEqual({ done: true, value: undefined });
  });

  it('ends without an error when the store closes', async () => {
    await write(1);
    const waiting = watch(1).next();
    const between = watch(0);
    await readEvents(between, 1);
    store.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await between.next()).toEqual({ done: true, value: undefined });
  });

  it('lets a reader leave in the middle', async () => {
    for (let value = 1; value <= 5; value++) await write(value);
    for await (const event of store.watch({ fromVersion: 0 }, stop.signal)) {
      if (event.version === 2) break;
    }
    await write(6);
    expect(store.version).toBe(6);
  });
}

function resource(kind: string, value: number): Resource {
  const metadata = kind === 'Namespace' ? { name: 'x' } : { name: 'x', namespace: 'n' };
  return { apiVersion: 'v1', kind, metadata, spec: { value } };
}

function putOf(kind: string): { op: 'put'; resource: Resource } {
  return { op: 'put', resource: resource(kind, 1) };
}

function brief({ type, version, resource: { spec } }: StoreEvent): readonly unknown[] {
  return [type, version, Object.values(spec ?? {})[0]];
}
