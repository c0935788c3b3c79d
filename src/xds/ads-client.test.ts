import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AdsServer, startAdsServer } from '../../test/kit/ads-server.ts';
import { WIDGET } from '../../test/kit/delta-requests.ts';
import { EditableView } from '../../test/kit/editable-view.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import type { DeltaDiscoveryRequest } from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { systemClock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import { AdsClient, type AdsClientOptions, type AdsState } from './ads-client.ts';
import { DeltaStream } from './delta-stream.ts';
import { DiscoveryConnection } from './discovery-connection.ts';
import { decodeFact } from './fact.ts';
import { HeldResources } from './held-resources.ts';
import { defaultStreamLimits } from './stream-limits.ts';

const GADGET = 'example.org/v1/Gadget';
const view = new EditableView();
const connections = new Set<DiscoveryConnection>();
let nodes: string[];
let sentNames: string[];
let server: AdsServer;
let sink: HeldResources<unknown>;
let aborting: AbortController;
let running: Promise<void> = Promise.resolve();
let serve = serveView;

beforeEach(async () => {
  serve = serveView;
  nodes = [];
  sentNames = [];
  aborting = new AbortController();
  sink = new HeldResources({
    decode: (resource) => {
      const value = decodeFact(resource);
      if (value === 'bad') throw new Error('it is bad');
      return value;
    },
  });
  server = await startAdsServer((requests, { signal }) => serve(requests, signal));
});

afterEach(async () => {
  aborting.abort();
  await running;
  await server.dispose();
});

async function* serveView(requests: AsyncIterable<DeltaDiscoveryRequest>, signal: AbortSignal) {
  const connection = new DiscoveryConnection({
    stream: new DeltaStream({ view, limits: defaultStreamLimits, noncePrefix: '' }),
    clock: systemClock,
    ackTimeoutMs: 10_000,
    observer: {
      opened: ({ id }) => nodes.push(id),
      acknowledged: () => undefined,
      rejected: (_typeUrl, _version, detail) => nodes.push(detail),
      silent: () => undefined,
    },
  });
  connections.add(connection);
  try {
    for await (const response of connection.responses(requests, signal)) {
      sentNames.push(...response.resources.map(({ name }) => name));
      yield response;
    }
  } finally {
    connections.delete(connection);
  }
}

function put(name: string, json: unknown): void {
  view.put(WIDGET, name, json);
  for (const connection of connections) connection.changed(WIDGET, [name]);
}

function start(options: Partial<AdsClientOptions> = {}): AdsClient {
  const client = new AdsClient({
    connect: () => server.connect(),
    types: [WIDGET, GADGET],
    node: () => ({ id: `agent-${nodes.length}` }),
    sink,
    clock: systemClock,
    firstRetryMs: 10,
    maxRetryMs: 50,
    ...options,
  });
  running = client.run(aborting.signal);
  return client;
}

/** Resolves when the client is there, or comes there, for however short a time. */
function phase({ state }: AdsClient, expected: AdsState['phase']): Promise<void> {
  return new Promise((resolve) => {
    if (state.current.phase === expected) return resolve();
    const stop = state.subscribe((next) => {
      if (next.phase !== expected) return;
      stop();
      resolve();
    });
  });
}

describe('a client', () => {
  it('comes to hold what the server has, and follows each change', async () => {
    put('a', 1);
    const client = start();
    expect(client.state.current.phase).toBe('connecting');
    await phase(client, 'synced');
    expect(sink.of(WIDGET).get('a')?.value).toBe(1);
    put('a', 2);
    await eventually('the change arrives', () => sink.of(WIDGET).get('a')?.value === 2);
  });

  it('comes back after its connection was cut, and is sent only what it lacks', async () => {
    put('a', 1);
    put('b', 1);
    const client = start();
    await phase(client, 'synced');
    sentNames = [];
    const phases: string[] = [];
    client.state.subscribe((state) => phases.push(state.phase));
    const before = [...connections];
    server.cut();
    await eventually('the connection is cut', () => !before.some((each) => connections.has(each)));
    put('b', 2);
    await eventually('the change arrives', () => sink.of(WIDGET).get('b')?.value === 2);
    await phase(client, 'synced');
    expect(sentNames).toEqual(['b']);
    expect(phases).toEqual(['waiting', 'connecting', 'synced']);
    expect(nodes).toEqual(['agent-0', 'agent-1']);
  });

  it('waits while there is no server, says since when and why, and tries again', async () => {
    await server.stop();
    const startedMs = Date.now();
    const client = start();
    await eventually('it has tried often', () => {
      const { current } = client.state;
      return current.phase === 'waiting' && current.failures >= 3;
    });
    const state = client.state.current;
    expect(state.phase === 'waiting' && state.lastError).toContain('ENOENT');
    expect(state.sinceMs - startedMs).toBeLessThan(1_000);
    await server.start();
    await phase(client, 'synced');
  });

  it('rejects a bad resource by name, keeps its last good version, and goes on', async () => {
    put('a', 'good');
    const rejected: string[] = [];
    const client = start({
      events: { rejected: (_type, rejections) => rejected.push(...rejections.map((r) => r.name)) },
    });
    await phase(client, 'synced');
    put('a', 'bad');
    await eventually('the server is told', () => nodes.includes('"a": it is bad'));
    put('b', 'good');
    await eventually('the next change arrives', () => sink.of(WIDGET).has('b'));
    expect(sink.of(WIDGET).get('a')?.value).toBe('good');
    expect(rejected).toEqual(['a']);
    put('a', 'better');
    await eventually('it is good again', () => sink.of(WIDGET).get('a')?.value === 'better');
  });

  it('says what the server refused it with', async () => {
    serve = () => {
      throw new MeshError('ERR_LIMIT', 'too many agents');
    };
    const client = start();
    await phase(client, 'waiting');
    const state = client.state.current;
    expect(state.phase === 'waiting' && state.lastError).toBe(
      '[resource_exhausted] too many agents',
    );
  });

  it('ends when it is told to, also in the middle of waiting', async () => {
    await server.stop();
    const client = start({ firstRetryMs: 3_600_000, maxRetryMs: 3_600_000 });
    await phase(client, 'waiting');
    aborting.abort();
    await running;
  });
});

describe('a server that has fallen silent', () => {
  it('is left when it accepts the stream and says nothing', async () => {
    serve = async function* (_requests, signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      yield* [];
    };
    const client = start({ syncTimeoutMs: 50 });
    await phase(client, 'waiting');
    const state = client.state.current;
    expect(state.phase === 'waiting' && state.lastError).toBe(
      'the control plane has not answered for 50 ms',
    );
    serve = serveView;
    await phase(client, 'synced');
  });

  it('is left when opening a connection takes too long, and the late one is closed', async () => {
    let closed = 0;
    const late = Promise.withResolvers<ReturnType<AdsServer['connect']>>();
    const client = start({ syncTimeoutMs: 20, connect: () => late.promise });
    await phase(client, 'waiting');
    const { transport } = server.connect();
    late.resolve({
      transport,
      close: () => {
        closed += 1;
      },
    });
    await eventually('it is closed', () => closed > 0);
  });

  it('is noticed by the pings of the connection, once in sync', async () => {
    const client = start({ connect: () => server.connect(50) });
    await phase(client, 'synced');
    server.hang();
    await phase(client, 'waiting');
    await phase(client, 'synced');
  });
});

describe('the time between attempts', () => {
  it('grows while attempts fail, and starts anew after a steady connection', async () => {
    const clock = new ManualClock();
    await server.stop();
    const client = start({
      clock,
      random: () => 0.999_999,
      firstRetryMs: 1_000,
      maxRetryMs: 4_000,
    });
    const waits: number[] = [];
    for (const expected of [1_000, 2_000, 4_000, 4_000]) {
      await phase(client, 'waiting');
      const state = client.state.current;
      waits.push(state.phase === 'waiting' ? Math.round(state.retryAtMs - clock.now()) : 0);
      await clock.advance(expected);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 4_000]);
    await phase(client, 'waiting');
    await server.start();
    await clock.advance(4_000);
    await phase(client, 'synced');
    await clock.advance(60_000);
    clock.setBy(-3_600_000);
    server.cut();
    await phase(client, 'waiting');
    expect(client.state.current).toMatchObject({ failures: 1 });
  });
});
