import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { settings } from '../../test/kit/policies.ts';
import {
  ask,
  dial,
  type Ending,
  entryFor,
  LOOPBACK,
  type ProxyPair,
  RecordedEvents,
  readToEnd,
  startApp,
  startPair,
  until,
} from '../../test/kit/proxy-pair.ts';
import { systemClock } from '../lib/clock.ts';
import { WatchableValue } from '../lib/watchable.ts';
import { type RunningProxy, startProxy } from './proxy.ts';

/** A second server side on the same ports, as a process that takes over would start. */
async function startSuccessor(pair: ProxyPair, app: number): Promise<RunningProxy> {
  return await startProxy({
    workload: new WatchableValue({
      namespace: 'shop',
      name: 'reviews-2',
      labels: {},
      serviceAccount: 'reviews',
    }),
    ...{ settings, identity: pair.server.identity, facts: pair.server.facts },
    inbound: [{ listen: pair.inbound, app: { host: LOOPBACK, port: app } }],
    ...{ outbound: [], hbone: pair.hbone, ownAddresses: [LOOPBACK] },
    ...{ clock: systemClock, events: new RecordedEvents() },
  });
}

/** Tells the client side that the server's HBONE port is another. */
function reachBy({ client }: ProxyPair, port: number): void {
  const { facts } = client;
  facts.set({ ...facts.current, workloadEntries: [entryFor(port)] });
}

describe('drain of the serving side', () => {
  it('lets an open stream finish while it takes no new connection', async () => {
    await using pair = await startPair();
    const socket = await dial(pair.outbound);
    await ask(socket, 'hello');
    const drained = pair.server.proxy.drain(10_000);
    let done = false;
    void drained.then(() => {
      done = true;
    });
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    await expect(dial(pair.inbound)).rejects.toThrow(/ECONNREFUSED/);
    expect(await ask(socket, 'still there')).toBe('still there');
    expect(done).toBe(false);
    const ending = readToEnd(socket);
    socket.end('bye');
    expect(await ending).toEqual({ received: Buffer.from('bye'), how: 'ended' });
    await drained;
    expect(pair.server.events.closed).toMatchObject([{ reason: 'finished' }]);
    expect(pair.server.proxy.connections()).toEqual([]);
  });

  it('sends new connections to a successor on the same ports, and fails none', async () => {
    await using pair = await startPair();
    await using app = await startApp(
      createServer((socket) => socket.on('data', () => socket.write('successor'))),
    );
    const old = await dial(pair.outbound);
    await ask(old, 'hello');
    const successor = await startSuccessor(pair, app.address.port);
    const drained = pair.server.proxy.drain(10_000);
    for (let i = 0; i < 20; i++) {
      const socket = await dial(pair.outbound);
      expect(await ask(socket, 'hello')).toBe('successor');
      socket.destroy();
    }
    expect(await ask(old, 'still there')).toBe('still there');
    old.destroy();
    await drained;
    expect(pair.client.events.upstreams).toEqual([]);
    await successor.drain(0);
  });

  it('cuts what is open at the deadline, which the client sees as a reset', async () => {
    await using pair = await startPair();
    const [viaHbone, direct] = [await dial(pair.outbound), await dial(pair.inbound)];
    await ask(viaHbone, 'hello');
    await ask(direct, 'hello');
    const endings = Promise.all([readToEnd(viaHbone), readToEnd(direct)]);
    const startMs = Date.now();
    await pair.server.proxy.drain(100);
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(95);
    expect((await endings).map(({ how }) => how)).toEqual(['reset', 'reset']);
    expect(pair.server.events.closed).toMatchObject([
      { reason: 'drain-deadline' },
      { reason: 'drain-deadline' },
    ]);
  });

  it('is over at once when nothing is open, also for idle sessions and silent clients', async () => {
    await using pair = await startPair();
    const socket = await dial(pair.outbound);
    await ask(socket, 'hello');
    socket.destroy();
    await until(() => pair.server.events.closed.length === 1);
    await pair.server.proxy.drain(60_000);
    expect(pair.server.events.endedSessions).toHaveLength(1);
    await until(() => pair.client.events.endedSessions.length === 1);
  });

  it('frees its ports', async () => {
    await using pair = await startPair();
    await pair.server.proxy.drain(0);
    await using app = await startApp(createServer());
    const next = await startSuccessor(pair, app.address.port);
    await next.drain(0);
  });
});

describe('drain of the calling side', () => {
  it('lets an open connection finish and takes no new one', async () => {
    await using pair = await startPair();
    const socket = await dial(pair.outbound);
    await ask(socket, 'hello');
    const drained = pair.client.proxy.drain(10_000);
    await expect(dial(pair.outbound)).rejects.toThrow(/ECONNREFUSED/);
    const ending = readToEnd(socket);
    socket.end('bye');
    expect(await ending).toEqual({ received: Buffer.from('bye'), how: 'ended' });
    await drained;
    expect(pair.client.events.endedSessions).toHaveLength(1);
  });

  it('cuts what is open at the deadline, which the application sees as a reset', async () => {
    await using app = await startApp(createServer((socket) => socket.resume()));
    await using pair = await startPair({ app: app.address });
    const socket = await dial(pair.outbound);
    socket.write('x');
    await until(() => app.sockets.length === 1);
    const [appSide] = app.sockets;
    const failed = new Promise((resolve) => appSide?.once('error', resolve));
    await pair.client.proxy.drain(0);
    expect(await failed).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('loss of a session', () => {
  it.each(['destroy', 'resetAndDestroy'] as const)(
    'resets its streams on both sides and ends none in order (%s)',
    async (how) => {
      const appSide = Promise.withResolvers<Ending>();
      await using app = await startApp(
        createServer((socket) => {
          socket.write('half of it');
          // Whoever looks for it later may come after its end.
          void readToEnd(socket).then(appSide.resolve);
        }),
      );
      await using pair = await startPair({ app: app.address });
      await using middle = await startApp(
        createServer((from) => {
          const to = connect(pair.hbone);
          to.on('error', () => undefined);
          from.pipe(to).pipe(from);
          from.once('close', () => to[how]());
        }),
      );
      reachBy(pair, middle.address.port);
      const socket = await dial(pair.outbound);
      await new Promise((resolve) => socket.once('data', resolve));
      const ending = readToEnd(socket);
      middle.sockets[0]?.[how]();
      expect((await ending).how).toBe('reset');
      expect((await appSide.promise).how).toBe('reset');
      await until(() => pair.server.events.closed.length === 1);
      expect(pair.server.events.closed[0]?.reason).toBe('reset');
    },
  );

  it('is noticed when the peer answers no more', async () => {
    await using pair = await startPair({ client: { limits: { probeIntervalMs: 500 } } });
    await using middle = await startApp(
      createServer((from) => {
        const to = connect(pair.hbone);
        to.on('error', () => undefined);
        from.pipe(to).pipe(from);
        from.once('close', () => to.destroy());
      }),
    );
    reachBy(pair, middle.address.port);
    const socket = await dial(pair.outbound);
    await ask(socket, 'hello');
    // Two pings and their answers; a busy machine may take its time for each.
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect(await ask(socket, 'still there')).toBe('still there');
    const ending = readToEnd(socket);
    middle.sockets[0]?.unpipe();
    expect((await ending).how).toBe('reset');
    await until(() => pair.client.events.endedSessions.length === 1);
    expect(pair.client.events.endedSessions[0]?.reason).toBe('the peer answers no ping');
  });
});
