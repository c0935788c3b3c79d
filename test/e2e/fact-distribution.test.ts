import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FactCache, openFactCache } from '../../src/agent/facts/fact-cache.ts';
import { factTypes } from '../../src/agent/facts/fact-cache-facts.ts';
import { Distribution } from '../../src/control/distribution/distribution.ts';
import { revocationResource } from '../../src/control/revocation/revocation-resource.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { runTasks } from '../../src/lib/tasks.ts';
import { keyOf, type Resource } from '../../src/resources/resource.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { AdsClient } from '../../src/xds/ads-client.ts';
import { type AdsServer, startAdsServer } from '../kit/ads-server.ts';
import { eventually } from '../kit/eventually.ts';
import { viewerIn } from '../kit/fact-viewer.ts';
import { peerAuthentication, service, workloadEntry } from '../kit/policies.ts';

interface Agent {
  readonly cache: FactCache;
  readonly client: AdsClient;
  stop(): Promise<void>;
}

let directory: string;
let store: Store;
let distribution: Distribution;
let server: AdsServer;
let aborting: AbortController;
let running: Promise<void>;
let agents: Agent[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-e2e-facts-'));
  agents = [];
  store = memoryStore({ clock: systemClock });
  distribution = new Distribution({ store, clock: systemClock, rootNamespace: 'istio-system' });
  aborting = new AbortController();
  running = distribution.run(aborting.signal);
  server = await startAdsServer((requests, { requestHeader, signal }) =>
    // Stands for the client certificate, which this socket has not.
    distribution.serve(requests, viewerIn(requestHeader.get('namespace') ?? 'shop'), signal),
  );
});

afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  aborting.abort();
  await running;
  await server.dispose();
  rmSync(directory, { recursive: true, force: true });
});

async function startAgent(name: string): Promise<Agent> {
  const cache = await openFactCache({
    meshIds: () => ['mesh'],
    directory: join(directory, name),
    clock: systemClock,
    saveDelayMs: 10,
  });
  const client = new AdsClient({
    connect: () => server.connect(),
    types: factTypes,
    node: () => ({ id: name, metadata: { NAME: name } }),
    sink: cache,
    clock: systemClock,
    firstRetryMs: 20,
    maxRetryMs: 100,
  });
  const stopping = new AbortController();
  const tasks = runTasks(stopping.signal, [
    (signal) => client.run(signal),
    (signal) => cache.run(signal),
  ]);
  const agent = {
    cache,
    client,
    stop: () => {
      stopping.abort();
      return tasks;
    },
  };
  agents.push(agent);
  return agent;
}

async function put(...resources: Resource[]): Promise<void> {
  await store.commit(resources.map((resource) => ({ op: 'put', resource })));
}

function mode({ cache }: Agent): string | undefined {
  return cache.facts.current.peerAuthentications[0]?.spec?.mtls?.mode;
}

function synced({ client }: Agent): Promise<void> {
  return eventually('the agent is in sync', () => client.state.current.phase === 'synced');
}

it('brings what is written to every agent, and tells when it has', async () => {
  await put(service(), workloadEntry());
  const all = await Promise.all(['one', 'two', 'three'].map(startAgent));
  await Promise.all(all.map(synced));
  await put(peerAuthentication({ mtls: { mode: 'STRICT' } }));
  await eventually('all have the policy', () => all.every((agent) => mode(agent) === 'STRICT'));
  await eventually('that is known', () => distribution.converged(store.version).converged);
  expect(distribution.encodings).toBe(3);
  expect(distribution.agents.map(({ agent }) => agent.node.id).sort()).toEqual([
    'one',
    'three',
    'two',
  ]);
});

it('lets an agent start and go on without a control plane, on the facts that it has', async () => {
  await put(peerAuthentication({ mtls: { mode: 'STRICT' } }));
  const first = await startAgent('one');
  await synced(first);
  await server.stop();
  await eventually('the agent notices', () => first.client.state.current.phase === 'waiting');
  expect(mode(first)).toBe('STRICT');
  await first.stop();
  const second = await startAgent('one');
  expect(mode(second)).toBe('STRICT');
  expect(second.cache.source.current.from).toBe('disk');
  await put(peerAuthentication({ mtls: { mode: 'PERMISSIVE' } }), service());
  await server.start();
  await eventually('the change arrives', () => mode(second) === 'PERMISSIVE');
  await synced(second);
  expect(second.cache.source.current.from).toBe('control-plane');
  expect(second.cache.facts.current.services).toHaveLength(1);
});

it('survives connections that are cut again and again', async () => {
  const agent = await startAgent('one');
  await synced(agent);
  for (let round = 0; round < 10; round++) {
    await put(peerAuthentication({}, { name: `policy-${round}` }));
    server.cut();
    if (round % 2 === 1)
      await store.commit([
        { op: 'delete', key: keyOf(peerAuthentication({}, { name: `policy-${round - 1}` })) },
      ]);
    await new Promise((resolve) => setTimeout(resolve, round * 7));
  }
  await eventually('the agent has what is stored', () => {
    const names = agent.cache.facts.current.peerAuthentications.map(
      ({ metadata }) => metadata.name,
    );
    return names.join() === 'policy-1,policy-3,policy-5,policy-7,policy-9';
  });
  await eventually('that is known', () => distribution.converged(store.version).converged);
});

it('brings ten thousand facts to an agent, whole', async () => {
  const entries = Array.from({ length: 10_000 }, (_, index) =>
    workloadEntry({ address: '10.0.0.1' }, { name: `entry-${index}` }),
  );
  await put(...entries);
  const agent = await startAgent('one');
  const sizes = new Set<number>();
  agent.cache.facts.subscribe((facts) => sizes.add(facts.workloadEntries.length));
  await eventually(
    'the agent is in sync',
    () => agent.client.state.current.phase === 'synced',
    30_000,
  );
  expect([...sizes]).toEqual([10_000]);
});

it('tells two hundred agents of a revocation well within two seconds', async () => {
  await put(service(), workloadEntry());
  const all = await Promise.all(Array.from({ length: 200 }, (_, at) => startAgent(`agent-${at}`)));
  await Promise.all(all.map(synced));
  const startMs = Date.now();
  await put(
    revocationResource({
      ...{ serial: '4f1e', id: 'spiffe://cluster.local/ns/shop/sa/reviews', issuerSerial: '0a' },
      ...{ reason: 'keyCompromise', revokedAtMs: startMs, notAfterMs: startMs + 3_600_000 },
    }),
  );
  await eventually('all know of it', () =>
    all.every(({ cache }) => cache.facts.current.revocations.length === 1),
  );
  expect(Date.now() - startMs).toBeLessThan(2_000);
});
