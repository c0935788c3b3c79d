import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { fallbackPolicy } from '../../../test/kit/policies.ts';
import type { Attestor } from '../../attestation/attestor.ts';
import { FallbackReportService } from '../../gen/hauberk/fallbacks/v1/fallbacks_pb.js';
import type { FallbackUse } from '../../policy/fallback-use.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store } from '../../store/store.ts';
import { FallbackUses } from './fallback-uses.ts';

const KIND = 'FallbackPolicy.security.hauberk.dev';
const used = {
  ...{ policy: 'shop/keep', mode: 'KeepLast', whose: 'own', id: 'spiffe://cluster.local/x' },
  ...{ count: 3n, firstMs: 1_000n, lastMs: 2_000n, notAfterMs: 500n },
};

describe('FallbackUses', () => {
  let store: Store;
  let clock: ManualClock;
  let stop: AbortController;
  let told: { id: string; workload: string; use: FallbackUse }[];
  let failures: { task: string; reason: string }[];
  let uses: FallbackUses;
  beforeEach(async () => {
    clock = new ManualClock();
    store = memoryStore({ clock });
    stop = new AbortController();
    told = [];
    failures = [];
    for (const [namespace, name] of [
      ['shop', 'keep'],
      ['istio-system', 'mesh'],
    ] as const) {
      const resource = fallbackPolicy({ mode: 'KeepLast' }, { namespace, name });
      await store.commit([{ op: 'put', resource }]);
    }
  });
  afterEach(() => stop.abort());

  /** What an agent calls whose certificate says `id`. */
  function agent(
    id = 'spiffe://cluster.local/ns/shop/sa/web',
    of: Pick<Store, 'get' | 'commit'> = store,
  ) {
    const attestor: Attestor = {
      name: 'test',
      attest: async () => ({ id: SpiffeId.parse(id), by: 'test', confirm: async () => undefined }),
    };
    uses = new FallbackUses({
      ...{ store: of, clock, attestor, rootNamespace: 'istio-system' },
      events: {
        fallbackReported: (event) => void told.push(event),
        taskFailed: (event) => void failures.push(event),
      },
    });
    void uses.run(stop.signal);
    const transport = createRouterTransport(({ service }) =>
      service(FallbackReportService, uses.service),
    );
    const client = createClient(FallbackReportService, transport);
    return (what: readonly Partial<typeof used>[], workload = 'web-1') =>
      client.report({ workload, uses: what.map((each) => ({ ...used, ...each })) });
  }

  async function statusOf(namespace: string, name: string): Promise<unknown> {
    return (await store.get({ kind: KIND, namespace, name }))?.['status' as never];
  }

  it('tells of each use, under the workload of the certificate', async () => {
    await agent()([{}, { policy: 'istio-system/mesh', whose: 'peer' }]);
    expect(told).toMatchObject([
      { id: 'spiffe://cluster.local/ns/shop/sa/web', workload: 'shop/web-1' },
      { workload: 'shop/web-1', use: { policy: 'istio-system/mesh', whose: 'peer', count: 3 } },
    ]);
  });

  it('adds uses up in the status, with the latest of them', async () => {
    const report = agent();
    await report([{ count: 3n, lastMs: 5_000n }]);
    await report([{ count: 4n, lastMs: 4_000n }], 'web-2');
    await clock.advance(1_000);
    expect(await statusOf('shop', 'keep')).toEqual({
      ...{ uses: 7, lastUsed: '1970-01-01T00:00:05.000Z', lastUsedBy: 'shop/web-1' },
    });
    await report([{ count: 1n, lastMs: 6_000n }], 'web-2');
    await clock.advance(60_000);
    expect(await statusOf('shop', 'keep')).toEqual({
      ...{ uses: 8, lastUsed: '1970-01-01T00:00:06.000Z', lastUsedBy: 'shop/web-2' },
    });
  });

  it('writes no policy more often than every 30 s, and others meanwhile, whatever the wall clock is set to', async () => {
    const report = agent();
    await report([{}]);
    await clock.advance(1_000);
    await report([{}, { policy: 'istio-system/mesh' }]);
    clock.setBy(3_600_000);
    await clock.advance(28_000);
    expect(await statusOf('shop', 'keep')).toMatchObject({ uses: 3 });
    expect(await statusOf('istio-system', 'mesh')).toMatchObject({ uses: 3 });
    clock.setBy(-7_200_000);
    await clock.advance(2_000);
    expect(await statusOf('shop', 'keep')).toMatchObject({ uses: 6 });
  });

  it('writes what waits when it is stopped', async () => {
    const report = agent();
    await report([{}]);
    await clock.advance(1_000);
    await report([{}]);
    await clock.advance(5_000);
    stop.abort();
    await clock.advance(0);
    expect(await statusOf('shop', 'keep')).toMatchObject({ uses: 6 });
  });

  it('counts later what could not be written, and says why', async () => {
    let broken = true;
    const report = agent(undefined, {
      get: (key) => store.get(key),
      commit: (changes) =>
        broken ? Promise.reject(new Error('the disk is full')) : store.commit(changes),
    });
    await report([{}]);
    await clock.advance(1_000);
    expect(failures).toEqual([
      { task: 'note the use of FallbackPolicy shop/keep', reason: 'the disk is full' },
    ]);
    broken = false;
    await report([{}]);
    await clock.advance(60_000);
    expect(await statusOf('shop', 'keep')).toMatchObject({ uses: 6 });
  });

  it('forgets what is told of a policy that is gone', async () => {
    const report = agent();
    await report([{ policy: 'shop/gone' }]);
    await clock.advance(60_000);
    expect(failures).toEqual([]);
    const resource = fallbackPolicy({ mode: 'KeepLast' }, { namespace: 'shop', name: 'gone' });
    await store.commit([{ op: 'put', resource }]);
    await clock.advance(60_000);
    expect(await statusOf('shop', 'gone')).toBeUndefined();
  });

  it.each([
    ['a policy of another namespace', { policy: 'bank/keep' }],
    ['no policy', { policy: 'shop' }],
    ['an empty name', { policy: 'shop/' }],
    ['more than a name', { policy: 'shop/keep/more' }],
    ['a time beyond all dates', { lastMs: 8_640_000_000_000_001n }],
    ["somebody's certificate", { whose: 'somebody' }],
    ['a very long id', { id: 'x'.repeat(2_049) }],
  ])('refuses all of a report with %s', async (_, bad) => {
    const refusal = await agent()([{}, bad]).then(
      () => undefined,
      (error: unknown) => ConnectError.from(error).code,
    );
    expect(refusal).toBe(Code.InvalidArgument);
    expect(told).toEqual([]);
    await clock.advance(60_000);
    expect(await statusOf('shop', 'keep')).toBeUndefined();
  });

  it('refuses more than 64 uses at once, and a long name', async () => {
    const report = agent();
    const many = (count: number) => Array.from({ length: count }, () => ({ count: 1n }));
    await report(many(64));
    await expect(report(many(65))).rejects.toThrow(/at most 64 uses/);
    await expect(report([{}], 'x'.repeat(254))).rejects.toThrow(/invalid_argument/);
  });

  it('listens to workloads only', async () => {
    await expect(agent('spiffe://cluster.local/node/a')([{}])).rejects.toThrow(/no workload/);
    expect(told).toEqual([]);
  });
});
