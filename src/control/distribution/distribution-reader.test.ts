import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { peerAuthentication, service } from '../../../test/kit/policies.ts';
import { MeshError } from '../../lib/errors.ts';
import type { KindDefinition } from '../../resources/kind-definition.ts';
import { kinds } from '../../resources/kinds.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store, StoreEvent } from '../../store/store.ts';
import { type CatalogChange, FactCatalog } from './distribution-catalog.ts';
import { CatalogReader } from './distribution-reader.ts';

const POLICY = 'security.istio.io/v1/PeerAuthentication';
let clock: ManualClock;
let store: Store;
let catalog: FactCatalog;
let published: CatalogChange[][];
let interruptions: string[];
let aborting: AbortController;
let running: Promise<void> = Promise.resolve();

beforeEach(() => {
  clock = new ManualClock();
  store = memoryStore({ clock });
  catalog = new FactCatalog({ rootNamespace: 'istio-system', kinds });
  published = [];
  interruptions = [];
  aborting = new AbortController();
});

afterEach(async () => {
  aborting.abort();
  await running;
});

async function start(over: Store = store, of: readonly KindDefinition[] = kinds): Promise<void> {
  const reader = new CatalogReader({
    store: over,
    kinds: of,
    catalog,
    clock,
    published: (changes) => published.push([...changes]),
    interrupted: (reason) => interruptions.push(reason),
  });
  running = reader.run(aborting.signal);
  await clock.advance(0);
}

async function put(...resources: Resource[]): Promise<void> {
  await store.commit(resources.map((resource) => ({ op: 'put', resource })));
  await clock.advance(0);
}

async function remove(resource: Resource): Promise<void> {
  await store.commit([{ op: 'delete', key: keyOf(resource) }]);
  await clock.advance(0);
}

function policies(): readonly string[] {
  return [...catalog.viewFor('shop').list(POLICY)].map(
    ([name, { message }]) => `${name}@${message.version}`,
  );
}

function policy(name: string, mode: 'STRICT' | 'PERMISSIVE' = 'STRICT'): Resource {
  return peerAuthentication({ mtls: { mode } }, { name });
}

/** The store, with some of its methods replaced. */
function storeWith(methods: Partial<Store>): Store {
  return {
    get version() {
      return store.version;
    },
    get: (key) => store.get(key),
    list: (kind, namespace) => store.list(kind, namespace),
    commit: (changes) => store.commit(changes),
    watch: (options, signal) => store.watch(options, signal),
    history: (key) => store.history(key),
    previous: (key, version) => store.previous(key, version),
    knownKeys: () => store.knownKeys(),
    close: () => store.close(),
    ...methods,
  };
}

it('reads what is there, and follows what happens', async () => {
  await put(policy('a'), policy('b'));
  await start();
  expect(policies()).toEqual(['shop/a@1', 'shop/b@2']);
  await put(policy('a', 'PERMISSIVE'), policy('c'));
  await remove(policy('b'));
  expect(policies()).toEqual(['shop/a@3', 'shop/c@4']);
  expect(catalog.version).toBe(5);
});

it('publishes a commit of several as one', async () => {
  await start();
  published = [];
  await put(policy('a'), policy('b'), service());
  expect(published.map((changes) => changes.map(({ name }) => name))).toEqual([
    ['shop/a', 'shop/b', 'shop/reviews'],
  ]);
});

it('keeps count of changes that concern nobody', async () => {
  await start();
  published = [];
  await put({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'key', namespace: 'shop' },
    type: 'Opaque',
    data: {},
  });
  expect(published).toEqual([[]]);
  expect(catalog.version).toBe(1);
  expect(catalog.encodings).toBe(0);
});

describe('lists of different versions', () => {
  it('take no event twice and none back', async () => {
    await put(policy('a'), service());
    // Between the lists of the two kinds, a policy is removed and a service added.
    const racing = storeWith({
      async list(kind) {
        const listed = await store.list(kind);
        if (kind === 'Service') {
          await store.commit([
            { op: 'delete', key: keyOf(policy('a')) },
            { op: 'put', resource: service({}, { name: 'late' }) },
          ]);
        }
        return listed;
      },
    });
    await start(racing);
    expect(policies()).toEqual([]);
    expect([...catalog.viewFor('shop').list('core/v1/Service')].map(([name]) => name)).toEqual([
      'shop/reviews',
      'shop/late',
    ]);
    expect(
      published
        .slice(1)
        .flat()
        .map(({ name }) => name),
    ).toEqual(['shop/late']);
    expect(catalog.version).toBe(store.version);
  });
});

describe('a watch that cannot go on', () => {
  async function* failing(error: unknown): AsyncGenerator<StoreEvent> {
    yield* [];
    throw error;
  }

  it('because history is gone is begun anew at once, with what changed meanwhile', async () => {
    await put(policy('a'), policy('b'), policy('c'));
    const gone = Promise.withResolvers<void>();
    let watches = 0;
    await start(
      storeWith({
        async *watch(options, signal) {
          watches += 1;
          if (watches > 1) yield* store.watch(options, signal);
          await gone.promise;
          yield* failing(new MeshError('ERR_GONE', 'compacted'));
        },
      }),
    );
    published = [];
    await store.commit([
      { op: 'delete', key: keyOf(policy('a')) },
      { op: 'put', resource: policy('b', 'PERMISSIVE') },
    ]);
    gone.resolve();
    await clock.advance(0);
    expect(policies()).toEqual(['shop/b@5', 'shop/c@3']);
    expect(
      published
        .flat()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['shop/a', 'shop/b']);
    expect(interruptions).toEqual([]);
    await put(policy('d'));
    expect(policies()).toContain('shop/d@6');
  });

  it('for any other reason is begun anew after a while; what was read stays', async () => {
    await put(policy('a'));
    let broken = true;
    await start(
      storeWith({
        watch: (options, signal) =>
          broken
            ? failing(new MeshError('ERR_STORE', 'the disk is gone'))
            : store.watch(options, signal),
      }),
    );
    expect(interruptions).toEqual(['the disk is gone']);
    expect(policies()).toEqual(['shop/a@1']);
    await clock.advance(300);
    expect(interruptions.length).toBeGreaterThan(1);
    broken = false;
    await put(policy('b'));
    await clock.advance(10_000);
    expect(policies()).toEqual(['shop/a@1', 'shop/b@2']);
  });

  it('waits longer each time, also when history is gone again and again', async () => {
    let watches = 0;
    await start(
      storeWith({
        watch() {
          watches += 1;
          return failing(new MeshError('ERR_GONE', 'compacted'));
        },
      }),
    );
    await clock.advance(60_000);
    expect(watches).toBeLessThan(25);
    expect(watches).toBeGreaterThan(5);
  });

  it('is noticed when it merely ends', async () => {
    let ends = true;
    await start(
      storeWith({
        async *watch(options, signal) {
          if (!ends) yield* store.watch(options, signal);
        },
      }),
    );
    expect(interruptions).toEqual(['the store has ended the watch']);
    ends = false;
    await clock.advance(10_000);
    await put(policy('a'));
    expect(policies()).toEqual(['shop/a@1']);
  });
});

it('encodes each version once, and nothing again when it lists anew', async () => {
  await put(policy('a'), policy('b'));
  const read = () => [...catalog.viewFor('shop').list('security.istio.io/v1/PeerAuthentication')];
  await start();
  expect(read()).toHaveLength(2);
  aborting.abort();
  await running;
  aborting = new AbortController();
  await start();
  expect(read()).toHaveLength(2);
  expect(catalog.encodings).toBe(2);
});
