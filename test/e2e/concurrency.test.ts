import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { until } from '../../src/app/demo/until.ts';
import type { Address } from '../../src/proxy/address.ts';
import { readMetrics, sampleOf } from '../kit/check-metrics.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { crashWorker } from '../kit/crash-worker.ts';
import { freePorts } from '../kit/free-ports.ts';
import { ask, dial, echoServer, readToEnd, startApp, type TestApp } from '../kit/proxy-pair.ts';
import { type SidecarProcess, sidecarProcess } from '../kit/sidecar-process.ts';
import { debuggable } from '../kit/thread-debugger.ts';

const REVIEWS = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec:
  selector: { app: reviews }
  ports: [{ name: tcp, port: 80, targetPort: tcp }]
`;
const NOBODY = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: nobody, namespace: shop }
spec:
  selector: { matchLabels: { app: reviews } }
  action: DENY
  rules: [{}]
`;
const ON_THE_PORT_ITSELF = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: shop }
spec: { host: reviews, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: reviews } } }
`;
const MANY = 24;

const directory = mkdtempSync(join(tmpdir(), 'hauberk-concurrency-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;
let app: TestApp;
let caller: SidecarProcess;
let callee: SidecarProcess;
let outbound: Address;
let metrics: number;
let inspectPort: number;
let start: () => Promise<SidecarProcess>;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(`${SHOP}---${REVIEWS}`);
  app = await startApp(echoServer());
  const [inbound = 0, out = 0, hboneIn = 0, hboneOut = 0, ...others] = await freePorts(6);
  [metrics = 0, inspectPort = 0] = others;
  outbound = { host: '127.0.0.1', port: out };
  callee = await sidecarProcess({
    ...{ group, plane, directory, name: 'reviews', hbonePort: hboneIn },
    nodeArgs: debuggable(inspectPort),
    args: [
      ...[
        '--concurrency',
        '2',
        '--inbound',
        `tcp:127.0.0.1:${inbound}=127.0.0.1:${app.address.port}`,
      ],
      ...['--metrics', 'off', '--readiness', 'off'],
    ],
  });
  start = () =>
    sidecarProcess({
      ...{ group, plane, directory, name: 'products', hbonePort: hboneOut },
      args: [
        ...[
          '--concurrency',
          '2',
          '--outbound',
          `127.0.0.1:${out}=reviews.shop.svc.cluster.local:80`,
        ],
        ...['--metrics', `127.0.0.1:${metrics}`, '--readiness', 'off'],
        // However busy the machine is, a connection must still be there when the successor is ready.
        ...['--drain-timeout', '40s'],
      ],
    });
  caller = await start();
  await until('the caller knows the callee', async () => {
    const { facts } = await caller.status();
    return facts.workloadEntries >= 2 && facts.services >= 1;
  });
});
afterAll(async () => {
  await group.stop();
  await app[Symbol.asyncDispose]();
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

async function openMany() {
  const sockets = await Promise.all(Array.from({ length: MANY }, () => dial(outbound)));
  await Promise.all(sockets.map((socket) => ask(socket, 'hello')));
  return sockets;
}

/** As many as before, on a callee that has forgotten those of the test before. */
async function openManyAlone() {
  const gone = async () => (await callee.status()).connections.length === 0;
  await until('the callee has closed what was open', gone);
  const sockets = await openMany();
  await until('the callee has told of all', async () => {
    const { connections, workers } = await callee.status();
    const open = workers.reduce((sum, each) => sum + each.open.inbound, 0);
    return connections.length === MANY && open === MANY;
  });
  return sockets;
}

it('workers of both sidecars carry connections, and status and metrics tell the sum', async () => {
  const sockets = await openMany();
  const status = await caller.status();
  expect(status.workers.map(({ serving }) => serving)).toEqual([true, true]);
  expect(status.workers.every(({ open }) => open.outbound > 0)).toBe(true);
  expect(status.connections).toHaveLength(MANY);
  expect(new Set(status.connections.map(({ id }) => id)).size).toBe(MANY);
  expect(status.totals.connectionOpened).toBe(MANY);
  const scraped = readMetrics(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text());
  expect(sampleOf(scraped, 'hauberk_proxy_workers')).toBe(2);
  expect(sampleOf(scraped, 'hauberk_connections_open', { direction: 'outbound' })).toBe(MANY);
  expect((await callee.status()).connections).toHaveLength(MANY);
  for (const socket of sockets) socket.destroy();
});

it('a successor takes the ports of all workers over, and no connection is refused meanwhile', async () => {
  const sockets = await openMany();
  const [kept] = sockets;
  if (kept === undefined) throw new Error('no connection');
  const { pid } = await caller.status();
  const before = caller;
  let asked = 0;
  const failures: unknown[] = [];
  const asking = new AbortController();
  const load = (async () => {
    while (!asking.signal.aborted) {
      const socket = await dial(outbound);
      socket.once('end', () => socket.destroy());
      await ask(socket, 'while it restarts').then(
        () => {
          asked += 1;
        },
        (error: unknown) => failures.push(error),
      );
      socket.destroy();
    }
  })();
  caller = await start();
  expect((await caller.status()).pid).not.toBe(pid);
  expect(await ask(kept, 'while it drains')).toBe('while it drains');
  for (const socket of sockets) socket.destroy();
  await before.process.exited;
  asking.abort();
  await load;
  expect(failures).toEqual([]);
  expect(asked).toBeGreaterThan(0);
  expect((await caller.status()).workers.map(({ serving }) => serving)).toEqual([true, true]);
});

it('a worker that crashes loses its own connections only, by resets, and is there again', async () => {
  const sockets = await openManyAlone();
  const [first, second] = (await callee.status()).workers.map(({ open }) => open.inbound);
  const cut: Socket[] = [];
  const endings: string[] = [];
  for (const socket of sockets) {
    void readToEnd(socket).then(({ how }) => {
      cut.push(socket);
      endings.push(how);
    });
  }
  await crashWorker({ inspectPort });
  await until('it serves again', async () => {
    const { workers } = await callee.status();
    return workers.some(({ restarts }) => restarts === 1) && workers.every((each) => each.serving);
  });
  const said = await until('its log has it', async () => {
    const lines = callee.process.log().split('\n').slice(0, -1);
    const found = lines.filter((line) => line.includes('a proxy worker ended'));
    return found.length > 0 && found;
  });
  const [record] = said.map((line) => JSON.parse(line));
  expect(said).toHaveLength(1);
  expect(record).toMatchObject({ level: 'error', reason: 'crashed on purpose' });
  expect([first, second]).toContain(record.connectionsLost);
  await until('those are cut', async () => cut.length === record.connectionsLost);
  expect(endings.filter((how) => how !== 'reset')).toEqual([]);
  const alive = sockets.filter((socket) => !cut.includes(socket));
  for (const socket of alive) expect(await ask(socket, 'still here')).toBe('still here');
  for (const socket of await openMany()) socket.destroy();
  for (const socket of sockets) socket.destroy();
});

it('fails no dial while a worker crashes again and again, and another takes its place', async () => {
  const crashes = (await callee.status()).workers.reduce((sum, { restarts }) => sum + restarts, 0);
  const before = (await caller.status()).totals;
  const load = new AbortController();
  const dials = Array.from({ length: 6 }, async () => {
    while (!load.signal.aborted) {
      const socket = await dial(outbound);
      socket.once('end', () => socket.destroy());
      // What was let through may be cut with the worker; what was not must not be given up.
      await ask(socket, 'hello').catch(() => undefined);
      socket.destroy();
    }
  });
  for (const crash of [1, 2, 3]) {
    // By shared sessions first, then with a handshake for each connection.
    if (crash === 2) await plane.apply(ON_THE_PORT_ITSELF);
    await crashWorker({ inspectPort });
    await until('it serves again', async () => {
      const { workers } = await callee.status();
      const restarts = workers.reduce((sum, each) => sum + each.restarts, 0);
      return restarts === crashes + crash && workers.every((each) => each.serving);
    });
  }
  load.abort();
  await Promise.all(dials);
  const { totals, recent } = await caller.status();
  const failed = recent.filter(({ event }) => event === 'upstreamFailed');
  expect(failed).toEqual([]);
  expect(totals.upstreamFailed).toBe(before.upstreamFailed);
  expect(totals.connectionOpened).toBeGreaterThan(before.connectionOpened + 50);
});

it('a changed policy closes the connections of all workers', async () => {
  const sockets = await openManyAlone();
  const endings = sockets.map(readToEnd);
  await plane.apply(NOBODY);
  await Promise.all(endings);
  await until('the callee to have said so', async () => {
    const { recent, connections } = await callee.status();
    const closed = recent.filter(
      ({ event, record }) =>
        event === 'connectionClosed' && 'reason' in record && record.reason === 'policy-changed',
    );
    return connections.length === 0 && closed.length === MANY;
  });
});
