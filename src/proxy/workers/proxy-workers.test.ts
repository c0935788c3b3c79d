import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { authorizationPolicy, settings } from '../../../test/kit/policies.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  echoServer,
  LOOPBACK,
  RecordedEvents,
  readToEnd,
  SERVER_ID,
  startApp,
  until,
} from '../../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { systemClock } from '../../lib/clock.ts';
import { packageVersion } from '../../lib/package-version.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import { type MeshFacts, noFacts } from '../../policy/mesh-facts.ts';
import type { Workload } from '../../policy/workload.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { Address } from '../address.ts';
import { type ProxyWorkersOptions, startProxyWorkers } from './proxy-workers.ts';
import type { ServingProxy, WorkerEvents } from './serving-proxy.ts';

const authority = testAuthority();
const anywhere: Address = { host: LOOPBACK, port: 0 };
const MANY = 32;
const PATIENCE_MS = 40_000;
const LONGEST_FIRST_PAUSE_MS = 100;

interface Rig extends AsyncDisposable {
  readonly proxy: ServingProxy;
  readonly inbound: Address;
  readonly events: RecordedEvents;
  readonly ended: Parameters<WorkerEvents['workerEnded']>[0][];
  readonly restarted: number[];
  readonly facts: WatchableValue<MeshFacts>;
  readonly workload: WatchableValue<Workload>;
  readonly identity: WatchableValue<Identity>;
}

/** Two workers in front of an echo application. */
async function startWorkers(options: Partial<ProxyWorkersOptions> = {}): Promise<Rig> {
  const app = await startApp(echoServer());
  const events = new RecordedEvents();
  const ended: Rig['ended'] = [];
  const restarted: number[] = [];
  const facts = new WatchableValue<MeshFacts>(noFacts);
  const workload = new WatchableValue<Workload>({
    ...{ namespace: 'shop', name: 'reviews-1', serviceAccount: 'reviews' },
    labels: { app: 'reviews' },
  });
  const identity = new WatchableValue(authority.identity(SERVER_ID));
  const proxy = await startProxyWorkers({
    ...{ count: 2, clock: systemClock, events, subjects: { workload, identity, facts } },
    plan: {
      ...{ settings, outbound: [], hbone: anywhere, ownAddresses: [LOOPBACK] },
      inbound: [{ listen: anywhere, app: app.address }],
    },
    workerEvents: {
      workerEnded: (each) => ended.push(each),
      workerRestarted: ({ worker }) => restarted.push(worker),
    },
    ...options,
  });
  const inbound = proxy.bound.inbound[0] ?? anywhere;
  return {
    ...{ proxy, inbound, events, ended, restarted, facts, workload, identity },
    async [Symbol.asyncDispose]() {
      await proxy.drain(0);
      await app[Symbol.asyncDispose]();
    },
  };
}

function tlsClient(address: Address, options: ConnectionOptions): TLSSocket {
  const socket = connectTls({
    ...{ ...address, ALPNProtocols: ['h2'], rejectUnauthorized: false, ...options },
  });
  socket.on('error', () => undefined);
  return socket;
}

async function openMany(address: Address): Promise<Socket[]> {
  const sockets = await Promise.all(Array.from({ length: MANY }, () => dial(address)));
  await Promise.all(sockets.map((socket) => ask(socket, 'hello')));
  return sockets;
}

describe('workers of a proxy', () => {
  it('share the connections, and tell of all of them', async () => {
    await using rig = await startWorkers();
    const sockets = await openMany(rig.inbound);
    await until(() => rig.events.opened.length === MANY, PATIENCE_MS);
    expect(rig.proxy.workers).toMatchObject([
      { worker: 0, serving: true, restarts: 0 },
      { worker: 1, serving: true, restarts: 0 },
    ]);
    const each = rig.proxy.workers.map(({ open }) => open.inbound);
    // The system spreads them by their ports; that all meet one worker happens once in two thousand million runs.
    expect(each.every((count) => count > 0)).toBe(true);
    expect(rig.proxy.open).toEqual({ inbound: MANY, outbound: 0 });
    const records = await rig.proxy.connections();
    expect(new Set(records.map(({ id }) => id)).size).toBe(MANY);
    expect(records.every(({ bytesIn }) => bytesIn === 'hello'.length)).toBe(true);
    for (const socket of sockets) socket.destroy();
    await until(() => rig.events.closed.length === MANY, PATIENCE_MS);
    expect(rig.proxy.open).toEqual({ inbound: 0, outbound: 0 });
  });

  it('close what a changed policy no longer allows, in all of them', async () => {
    await using rig = await startWorkers();
    const sockets = await openMany(rig.inbound);
    const endings = sockets.map(readToEnd);
    const deny = authorizationPolicy({ action: 'DENY', rules: [{}] });
    rig.facts.set({ ...rig.facts.current, authorizationPolicies: [deny] });
    await Promise.all(endings);
    await until(() => rig.events.closed.length === MANY, PATIENCE_MS);
    expect(new Set(rig.events.closed.map(({ reason }) => reason))).toEqual(
      new Set(['policy-changed']),
    );
  });

  it("take each other's tickets, until who is trusted changes", async () => {
    await using rig = await startWorkers();
    const pems = authority.pems(authority.issue(CLIENT_ID));
    const first = tlsClient(rig.proxy.bound.hbone, pems);
    const session = await new Promise<Buffer>((resolve) => first.once('session', resolve));
    await until(() => rig.events.sessions.length === 1, PATIENCE_MS);
    const comeBack = async (): Promise<void> => {
      const before = rig.events.sessions.length;
      const clients = Array.from({ length: MANY }, () =>
        tlsClient(rig.proxy.bound.hbone, { ...pems, session }),
      );
      await until(() => rig.events.sessions.length === before + MANY, PATIENCE_MS);
      for (const client of clients) client.destroy();
    };
    await comeBack();
    expect(rig.events.sessions.slice(1).every(({ resumed }) => resumed === true)).toBe(true);
    rig.identity.set(authority.identity(SERVER_ID));
    const serial = rig.identity.current.svid.chain[0]?.serial;
    const renewed = () => rig.events.sessions.filter(({ ownSerial }) => ownSerial === serial);
    do await comeBack();
    while (renewed().length === 0);
    expect(renewed().every(({ resumed }) => resumed === false)).toBe(true);
    first.destroy();
  });

  it('begins anew with the newest facts when one has crashed, while the other goes on', async () => {
    const entry = new URL('../../../test/kit/crashing-worker.ts', import.meta.url);
    await using rig = await startWorkers({ entry });
    const sockets = await openMany(rig.inbound);
    await until(() => rig.events.opened.length === MANY, PATIENCE_MS);
    const [first, second] = rig.proxy.workers.map(({ open }) => open.inbound);
    const cut: Socket[] = [];
    const endings: string[] = [];
    for (const socket of sockets) {
      void readToEnd(socket).then(({ how }) => {
        cut.push(socket);
        endings.push(how);
      });
    }
    const { labels } = rig.workload.current;
    rig.workload.set({ ...rig.workload.current, labels: { ...labels, crash: '0' } });
    await until(() => rig.restarted.length === 1, PATIENCE_MS);
    expect(rig.ended).toMatchObject([
      { worker: 0, reason: 'told to crash', connectionsLost: first },
    ]);
    expect(rig.proxy.workers).toMatchObject([
      { serving: true, restarts: 1 },
      { serving: true, restarts: 0, open: { inbound: second } },
    ]);
    await until(() => cut.length === first, PATIENCE_MS);
    // So that nobody takes half an answer for a whole one.
    expect(new Set(endings)).toEqual(new Set(['reset']));
    const alive = sockets.filter((socket) => !cut.includes(socket));
    expect(alive).toHaveLength(second ?? 0);
    await Promise.all(alive.map((socket) => ask(socket, 'still here')));
    await openMany(rig.inbound);
    expect(rig.proxy.workers.every(({ open }) => open.inbound > 0)).toBe(true);
    for (const socket of sockets) socket.destroy();
  });

  it('tell of what the others have while one of them has not begun', async () => {
    const entry = new URL('../../../test/kit/crashing-worker.ts', import.meta.url);
    await using rig = await startWorkers({ entry });
    const sockets = await openMany(rig.inbound);
    await until(() => rig.events.opened.length === MANY, PATIENCE_MS);
    const others = rig.proxy.workers[1]?.open.inbound ?? 0;
    const { labels } = rig.workload.current;
    rig.workload.set({ ...rig.workload.current, labels: { ...labels, stuck: 'yes', crash: '0' } });
    await until(() => rig.ended.length === 1, PATIENCE_MS);
    await sleep(2 * LONGEST_FIRST_PAUSE_MS);
    expect(await rig.proxy.connections()).toHaveLength(others);
    for (const socket of sockets) socket.destroy();
  });

  it('leave all to the others when one that was started again does not come to serve', async () => {
    const entry = new URL('../../../test/kit/crashing-worker.ts', import.meta.url);
    await using rig = await startWorkers({ entry, startWithinMs: 500 });
    const { labels } = rig.workload.current;
    rig.workload.set({ ...rig.workload.current, labels: { ...labels, stuck: 'yes', crash: '0' } });
    await until(() => rig.ended.length >= 2, PATIENCE_MS);
    expect(rig.ended[1]?.reason).toBe('it did not come to serve in 0.5 s');
    const sockets = await openMany(rig.inbound);
    for (const socket of sockets) socket.destroy();
  });

  it('lose no new connection when one crashes: what it had not accepted waits for the next', async () => {
    const entry = new URL('../../../test/kit/crashing-worker.ts', import.meta.url);
    await using rig = await startWorkers({ entry });
    const { labels } = rig.workload.current;
    rig.workload.set({ ...rig.workload.current, labels: { ...labels, crash: '0' } });
    let opened = 0;
    while (rig.restarted.length === 0 || opened < MANY) {
      const crashed = rig.ended.length > 0;
      const socket = await dial(rig.inbound);
      if (crashed) {
        expect(await ask(socket, 'hello')).toBe('hello');
        opened += 1;
      }
      socket.destroy();
    }
  });

  it('leave all to the others when another release was installed before one crashed', async () => {
    const entry = new URL('../../../test/kit/crashing-worker.ts', import.meta.url);
    await using rig = await startWorkers({ entry });
    const labels = { ...rig.workload.current.labels, crash: '0', version: '0.0.1' };
    rig.workload.set({ ...rig.workload.current, labels });
    await until(() => rig.ended.length >= 2, PATIENCE_MS);
    expect(rig.ended[1]?.reason).toBe(
      `version ${packageVersion()} was installed over 0.0.1, which still runs; start the new one on the same state directory, and it takes over`,
    );
    expect(rig.proxy.workers).toMatchObject([{ serving: false }, { serving: true }]);
    const sockets = await openMany(rig.inbound);
    for (const socket of sockets) socket.destroy();
  });

  it('lets connections end until the deadline, and cuts the rest', async () => {
    await using rig = await startWorkers();
    const [socket, ...others] = await openMany(rig.inbound);
    for (const other of others) other.destroy();
    if (socket === undefined) throw new Error('no socket');
    const drained = rig.proxy.drain(2_000);
    expect(await ask(socket, 'while it drains')).toBe('while it drains');
    await drained;
    await until(() => socket.destroyed, PATIENCE_MS);
    expect(rig.events.closed.at(-1)?.reason).toBe('drain-deadline');
  });

  it('start all or none, and say why', async () => {
    const taken = createServer().listen(0, LOOPBACK);
    await new Promise((resolve) => taken.once('listening', resolve));
    const bound = taken.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    await expect(
      startWorkers({
        plan: {
          ...{ settings, outbound: [], inbound: [], ownAddresses: [LOOPBACK] },
          hbone: { host: LOOPBACK, port },
        },
      }),
    ).rejects.toMatchObject({ code: 'ERR_LISTEN' });
    taken.close();
  });
});
