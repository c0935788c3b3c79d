import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Resource, ResourceKey } from '../../src/resources/resource.ts';
import { MAX_OBJECT_BYTES } from '../../src/store/plan-commit.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from './manual-clock.ts';
import { readEvents } from './read-events.ts';
import { describeStoreProperties } from './store-properties.ts';
import type { StoreRig } from './store-rig.ts';
import { describeStoreWatch } from './store-watch-contract.ts';

/** A Service of namespace `shop` whose spec carries `value`. */
export function service(name: string, value: unknown = 1, namespace = 'shop'): Resource {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { value } };
}

export function serviceKey(name: string, namespace = 'shop'): ResourceKey {
  return { kind: 'Service', namespace, name };
}

/** Puts one resource and returns it as stored. */
export async function put(store: Store, resource: Resource): Promise<Resource> {
  const [stored] = await store.commit([{ op: 'put', resource }]);
  if (stored === undefined) throw new Error('a put resolved to nothing');
  return stored;
}

/** What every Store promises; `numRuns` is the number of random sequences it is tried with. */
export function describeStore(makeRig: () => StoreRig, options: { numRuns: number }): void {
  describe('commit', () => describeCommit(makeRig));
  describe('reads', () => describeReads(makeRig));
  describe('watch', () => describeStoreWatch(makeRig));
  describeStoreProperties(makeRig, options.numRuns);
}

function describeCommit(makeRig: () => StoreRig): void {
  const clock = new ManualClock(Date.UTC(2026, 4, 6, 7, 8, 9, 987));
  let rig: StoreRig;
  let store: Store;
  beforeEach(() => {
    rig = makeRig();
    store = rig.open({ clock });
  });
  afterEach(() => {
    store.close();
    rig.dispose();
  });

  it('assigns uid, creationTimestamp, resourceVersion and generation to a new object', async () => {
    const stored = await put(store, service('a'));
    expect(stored).toEqual({
      ...service('a'),
      metadata: {
        name: 'a',
        namespace: 'shop',
        uid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/),
        creationTimestamp: '2026-05-06T07:08:09Z',
        resourceVersion: '1',
        generation: 1,
      },
    });
  });

  it('keeps uid and creationTimestamp through changes, whatever the caller sends', async () => {
    const first = await put(store, service('a'));
    await clock.advance(60_000);
    const sent = service('a', 2);
    const second = await put(store, {
      ...sent,
      metadata: { ...sent.metadata, uid: 'u', creationTimestamp: 'then', generation: 9 },
    });
    const { uid, creationTimestamp } = first.metadata;
    expect(second.metadata).toEqual({
      ...first.metadata,
      ...{ uid, creationTimestamp, resourceVersion: '2', generation: 2 },
    });
  });

  it.each([
    ['the spec', { spec: { value: 2 } }, 2],
    ['any other field', { immutable: true }, 2],
    ['the status', { status: { ready: true } }, 1],
    ['labels', { metadata: { name: 'a', namespace: 'shop', labels: { x: 'y' } } }, 1],
  ])('counts a change of %s in generation or not', async (_, change, generation) => {
    await put(store, service('a'));
    const stored = await put(store, { ...service('a'), ...change });
    expect(stored.metadata).toMatchObject({ generation, resourceVersion: '2' });
  });

  it.each<[string, (stored: Resource) => Resource]>([
    ['the stored object', (stored) => stored],
    ['what was put first', () => service('a', { x: 1, y: [2] })],
    ['it in another order of fields', () => service('a', { y: [2], x: 1 })],
    ['it with undefined fields', () => service('a', { x: 1, y: [2], z: undefined })],
    [
      'it with an old resourceVersion',
      (stored) => ({ ...stored, metadata: { ...stored.metadata, resourceVersion: '77' } }),
    ],
  ])('changes nothing when %s is put again', async (_, again) => {
    const stored = await put(store, service('a', { x: 1, y: [2] }));
    expect(await put(store, again(stored))).toBe(stored);
    expect(store.version).toBe(1);
  });

  it.each([
    ['replaces without an expectation', 'a', undefined, undefined],
    ['replaces at the expected version', 'a', '1', undefined],
    ['refuses another version', 'a', '2', 'ERR_CONFLICT'],
    ['refuses to create over an existing object', 'a', '0', 'ERR_CONFLICT'],
    ['creates what must not exist', 'b', '0', undefined],
    ['refuses to update what does not exist', 'b', '1', 'ERR_NOT_FOUND'],
  ])('%s', async (_, name, expectVersion, code) => {
    await put(store, service('a'));
    const change = { op: 'put' as const, resource: service(name, 2) };
    const commit = store.commit([
      expectVersion === undefined ? change : { ...change, expectVersion },
    ]);
    if (code === undefined) await commit;
    else await expect(commit).rejects.toMatchObject({ code });
    expect(store.version).toBe(code === undefined ? 2 : 1);
  });

  it.each([
    ['deletes without an expectation', 'a', undefined, undefined],
    ['deletes at the expected version', 'a', '1', undefined],
    ['refuses to delete another version', 'a', '2', 'ERR_CONFLICT'],
    ['refuses to delete what does not exist', 'b', undefined, 'ERR_NOT_FOUND'],
  ])('%s', async (_, name, expectVersion, code) => {
    await put(store, service('a'));
    const change = { op: 'delete' as const, key: serviceKey(name) };
    const commit = store.commit([
      expectVersion === undefined ? change : { ...change, expectVersion },
    ]);
    if (code === undefined) expect(await commit).toEqual([undefined]);
    else await expect(commit).rejects.toMatchObject({ code });
    expect(await store.get(serviceKey('a'))).toEqual(code ? expect.anything() : undefined);
  });

  it('says both versions in a conflict', async () => {
    await put(store, service('a'));
    await expect(
      store.commit([{ op: 'put', resource: service('a', 2), expectVersion: '7' }]),
    ).rejects.toThrow(
      'Service/shop/a is at version "1", not "7"; read it again and repeat the change',
    );
  });

  it('applies nothing when one change of several is refused', async () => {
    await put(store, service('a'));
    const commit = store.commit([
      { op: 'put', resource: service('b') },
      { op: 'put', resource: service('a', 2) },
      { op: 'delete', key: serviceKey('c') },
    ]);
    await expect(commit).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    const { items, version } = await store.list('Service');
    expect(items.map(({ spec }) => spec)).toEqual([{ value: 1 }]);
    expect(version).toBe(1);
    expect(await put(store, service('d'))).toMatchObject({ metadata: { resourceVersion: '2' } });
  });

  it('gives the changes of one commit consecutive versions and answers in their order', async () => {
    await put(store, service('a'));
    const results = await store.commit([
      { op: 'put', resource: service('b') },
      { op: 'delete', key: serviceKey('a') },
      { op: 'put', resource: service('c') },
    ]);
    expect(results.map((stored) => stored?.metadata.resourceVersion)).toEqual([
      '2',
      undefined,
      '4',
    ]);
    expect(store.version).toBe(4);
  });

  it('refuses two changes of one object in one commit', async () => {
    const change = { op: 'put' as const, resource: service('a') };
    const cluster = { ...service('a'), metadata: { name: 'a', namespace: '' } };
    await expect(store.commit([change, change])).rejects.toMatchObject({ code: 'ERR_USAGE' });
    await expect(
      store.commit([
        { op: 'put', resource: cluster },
        { op: 'put', resource: { ...cluster, metadata: { name: 'a' } } },
      ]),
    ).rejects.toMatchObject({ code: 'ERR_USAGE' });
  });

  it('refuses an object above the bound and takes one below it', async () => {
    const large = service('a', 'x'.repeat(MAX_OBJECT_BYTES - 1_000));
    await put(store, large);
    await expect(put(store, service('b', 'x'.repeat(MAX_OBJECT_BYTES)))).rejects.toMatchObject({
      code: 'ERR_LIMIT',
    });
    expect(store.version).toBe(1);
  });

  it('lets exactly one of many writers with the same expectation win', async () => {
    await put(store, service('a', 0));
    const attempts = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        store.commit([{ op: 'put', resource: service('a', index + 1), expectVersion: '1' }]),
      ),
    );
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(store.version).toBe(2);
  });

  it('does not freeze what the caller put, nor follow what the caller does with it', async () => {
    const mine = { ...service('a'), spec: { list: [1] } };
    await put(store, mine);
    mine.spec.list.push(2);
    expect((await store.get(serviceKey('a')))?.['spec']).toEqual({ list: [1] });
  });

  it('keeps a field called __proto__ a field', async () => {
    const spec: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
    await put(store, { ...service('a'), spec });
    store = rig.restart(store);
    const stored = await store.get(serviceKey('a'));
    expect(JSON.stringify(stored?.['spec'])).toBe('{"__proto__":{"polluted":true}}');
    expect(Object.getPrototypeOf(stored?.['spec'])).toBe(Object.prototype);
  });

  it('keeps objects, versions and the counter through a restart', async () => {
    const a = await put(store, service('a'));
    await put(store, service('b'));
    await store.commit([{ op: 'delete', key: serviceKey('b') }]);
    store = rig.restart(store);
    expect(store.version).toBe(3);
    expect(await store.get(serviceKey('a'))).toEqual(a);
    expect(await store.get(serviceKey('b'))).toBeUndefined();
    expect((await put(store, service('c'))).metadata.resourceVersion).toBe('4');
  });
}

function describeReads(makeRig: () => StoreRig): void {
  const clock = new ManualClock(1_000_000);
  let rig: StoreRig;
  let store: Store;
  beforeEach(() => {
    rig = makeRig();
    store = rig.open({ clock, retention: { events: 20, versionsPerObject: 4 } });
  });
  afterEach(() => {
    store.close();
    rig.dispose();
  });

  it('is empty at version 0', async () => {
    expect(store.version).toBe(0);
    expect(await store.list('Service')).toEqual({ items: [], version: 0 });
    expect(await store.get(serviceKey('a'))).toBeUndefined();
    expect(await store.history(serviceKey('a'))).toEqual([]);
  });

  it('lists by namespace and name, of one kind and namespace', async () => {
    const names = ['b/a', 'a-b/a', 'a/z', 'a/a', 'a/a-a'];
    for (const name of names) {
      const [namespace, plain = ''] = name.split('/');
      await put(store, service(plain, 1, namespace));
    }
    await put(store, { ...service('a'), apiVersion: 'networking.istio.io/v1' });
    const listed = async (kind: string, namespace?: string): Promise<string[]> =>
      (await store.list(kind, namespace)).items.map(
        ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
      );
    expect(await listed('Service')).toEqual(['a/a', 'a/a-a', 'a/z', 'a-b/a', 'b/a']);
    expect(await listed('Service', 'a-b')).toEqual(['a-b/a']);
    expect(await listed('Service', 'none')).toEqual([]);
    expect(await listed('Service.networking.istio.io')).toEqual(['shop/a']);
  });

  it('tells a cluster-scoped object from a namespaced one of the same name', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
    await put(store, namespace);
    store = rig.restart(store);
    expect(await store.get({ kind: 'Namespace', name: 'shop' })).toMatchObject(namespace);
    expect(await store.get({ kind: 'Namespace', namespace: 'x', name: 'shop' })).toBeUndefined();
    expect((await store.list('Namespace', '')).items).toHaveLength(1);
  });

  it('hands out deeply frozen objects, the same ones to every reader', async () => {
    await put(store, service('a', { deep: [{ er: 1 }] }));
    store = rig.restart(store);
    await store.commit([{ op: 'put', resource: service('b', { deep: [{ er: 1 }] }) }]);
    for (const name of ['a', 'b']) {
      const stored = await store.get(serviceKey(name));
      expectDeeplyFrozen(stored);
      expect(await store.get(serviceKey(name))).toBe(stored);
      expect((await store.list('Service')).items).toContain(stored);
    }
    expect(Object.isFrozen((await store.list('Service')).items)).toBe(true);
    for (const version of await store.history(serviceKey('b'))) expectDeeplyFrozen(version);
  });

  it('leaves a list as it was when the store goes on', async () => {
    await put(store, service('a'));
    const before = await store.list('Service');
    await store.commit([{ op: 'delete', key: serviceKey('a') }]);
    expect(before.items).toHaveLength(1);
    expect((await store.list('Service')).items).toHaveLength(0);
  });

  it('remembers every version with its time, through deletion, re-creation and restart', async () => {
    const first = await put(store, service('a'));
    await clock.advance(500);
    await put(store, service('a', 2));
    await store.commit([{ op: 'delete', key: serviceKey('a') }]);
    const second = await put(store, service('a', 3));
    store = rig.restart(store);
    const history = await store.history(serviceKey('a'));
    expect(
      history.map(({ type, version, atMs, resource }) => [type, version, atMs, resource['spec']]),
    ).toEqual([
      ['ADDED', 1, 1_000_000, { value: 1 }],
      ['MODIFIED', 2, 1_000_500, { value: 2 }],
      ['DELETED', 3, 1_000_500, { value: 2 }],
      ['ADDED', 4, 1_000_500, { value: 3 }],
    ]);
    expect(history[2]?.resource.metadata).toMatchObject({ resourceVersion: '3', generation: 2 });
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    expect(second.metadata.generation).toBe(1);
    const before = [1, 2, 3, 4].map((version) => store.previous(serviceKey('a'), version));
    expect((await Promise.all(before)).map((resource) => resource?.['spec'])).toEqual([
      undefined,
      { value: 1 },
      { value: 2 },
      undefined,
    ]);
  });

  it('forgets old versions beyond the bound, and deleted objects with the log', async () => {
    await put(store, service('quiet'));
    await put(store, service('gone'));
    for (let value = 1; value <= 6; value++) await put(store, service('busy', value));
    await store.commit([{ op: 'delete', key: serviceKey('gone') }]);
    expect(await store.history(serviceKey('gone'))).toHaveLength(2);
    for (let value = 0; value < 40; value++) await put(store, service('other', value));
    expect(await store.history(serviceKey('quiet'))).toHaveLength(1);
    expect(await store.history(serviceKey('gone'))).toEqual([]);
    const busy = await store.history(serviceKey('busy'));
    expect(busy.map(({ resource }) => resource['spec'])).toEqual(
      [3, 4, 5, 6].map((value) => ({ value })),
    );
    expect((await store.history(serviceKey('other'))).length).toBeLessThanOrEqual(22);
  });

  it('keeps the deletion of an object in the log when its earlier versions have left it', async () => {
    await put(store, service('gone'));
    for (let value = 0; value < 13; value++) await put(store, service('other', value));
    await store.commit([{ op: 'delete', key: serviceKey('gone') }]);
    for (let value = 0; value < 8; value++) await put(store, service('later', value));
    store = rig.restart(store);
    const watch = store.watch({ fromVersion: 3 }, new AbortController().signal);
    const events = await readEvents(watch[Symbol.asyncIterator](), 20);
    expect(events.filter(({ type }) => type === 'DELETED')).toMatchObject([{ version: 15 }]);
    expect(await store.history(serviceKey('gone'))).toHaveLength(2);
  });

  it('refuses everything after it was closed', async () => {
    store.close();
    store.close();
    const closed = { code: 'ERR_STORE', message: 'the store is closed' };
    await expect(store.get(serviceKey('a'))).rejects.toMatchObject(closed);
    await expect(store.list('Service')).rejects.toMatchObject(closed);
    await expect(store.history(serviceKey('a'))).rejects.toMatchObject(closed);
    await expect(put(store, service('a'))).rejects.toMatchObject(closed);
    expect(() => store.watch({ fromVersion: 0 }, AbortSignal.abort())).toThrow('closed');
  });
}

function expectDeeplyFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  expect(Object.isFrozen(value)).toBe(true);
  for (const child of Object.values(value)) expectDeeplyFrozen(child);
}
