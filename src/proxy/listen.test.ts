import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  ask,
  dial,
  LOOPBACK,
  readToEnd,
  startApp,
  startPair,
  until,
} from '../../test/kit/proxy-pair.ts';
import { duplicateDescriptor } from '../lib/pass-descriptors.ts';
import { listenAll, listeningSocket } from './listen.ts';

const anywhere = { host: LOOPBACK, port: 0 };

describe('listenAll', () => {
  it('gives the real addresses in order', async () => {
    const servers = [createServer(), createServer()];
    const plans = servers.map((server) => ({ server, address: anywhere, purpose: 'tests' }));
    const bound = await listenAll(plans);
    expect(bound).toHaveLength(2);
    for (const [i, server] of servers.entries()) {
      expect(server.address()).toMatchObject({ port: bound[i]?.address.port });
      server.close();
    }
  });

  it('shares a port with who shares it, but not when it shall be alone', async () => {
    const first = createServer();
    const [bound] = await listenAll([{ server: first, address: anywhere, purpose: 'tests' }]);
    const address = bound?.address ?? anywhere;
    const again = { address, purpose: 'a second one' };
    const shared = createServer();
    await listenAll([{ ...again, server: shared }]);
    const binding = listenAll([{ ...again, server: createServer() }], { alone: true });
    await expect(binding).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: `cannot listen on 127.0.0.1:${address.port} for a second one: another process has the port; stop it or choose another port`,
    });
    for (const server of [first, shared]) server.close();
    await listenAll([{ ...again, server: first }], { alone: true });
    first.close();
  });

  it('gives the ports to exactly one of two who want them alone at the same moment, in whatever order', async () => {
    const ports = await Promise.all([1, 2, 3].map(() => startApp(createServer())));
    const addresses = ports.map(({ address }) => address);
    for (const port of ports) await port[Symbol.asyncDispose]();
    for (let round = 0; round < 10; round += 1) {
      const attempts = [addresses, addresses.toReversed()].map((wanted) => {
        const servers = wanted.map(() => createServer());
        const plans = wanted.map((address, at) => ({
          ...{ address, purpose: 'tests' },
          server: servers[at] ?? createServer(),
        }));
        return { servers, done: listenAll(plans, { alone: true }) };
      });
      const results = await Promise.allSettled(attempts.map(({ done }) => done));
      expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      // The loser holds nothing, and the winner's workers and successors share.
      const [address = anywhere] = addresses;
      const sharing = createServer();
      await listenAll([{ server: sharing, address, purpose: 'tests' }]);
      sharing.close();
      const loser = attempts[results.findIndex(({ status }) => status === 'rejected')];
      expect(loser?.servers.filter(({ listening }) => listening)).toEqual([]);
      for (const { servers } of attempts) for (const server of servers) server.close();
    }
  });

  it('goes on with inherited sockets and what waits in their queues, however many', async () => {
    const [one, two] = [createServer(), createServer()];
    const [bound] = await listenAll([{ server: one, address: anywhere, purpose: 'tests' }]);
    const address = bound?.address ?? anywhere;
    await listenAll([{ server: two, address, purpose: 'tests' }]);
    const inherited = [one, two]
      .map(listeningSocket)
      .filter((socket) => socket !== undefined)
      .map((socket) => ({ ...socket, fd: duplicateDescriptor(socket.fd) }));
    for (const server of [one, two]) server.close();
    const waiting = await Promise.all(Array.from({ length: 32 }, () => dial(address)));
    const heir = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    const [listening] = await listenAll([{ server: heir, address, purpose: 'tests' }], {
      inherited,
    });
    expect(listening).toMatchObject({ address, servers: { length: 2 } });
    for (const socket of waiting) expect(await ask(socket, 'hello')).toBe('hello');
    for (const socket of waiting) socket.destroy();
    for (const server of listening?.servers ?? []) server.close();
    await expect(dial(address)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('closes inherited sockets that no plan is for', async () => {
    const old = createServer();
    const [bound] = await listenAll([{ server: old, address: anywhere, purpose: 'tests' }]);
    const socket = listeningSocket(old);
    if (socket === undefined) throw new Error('it does not listen');
    const inherited = [{ ...socket, fd: duplicateDescriptor(socket.fd) }];
    old.close();
    await listenAll([], { inherited });
    await expect(dial(bound?.address ?? anywhere)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('binds nothing when one port is taken, and says which and what to do', async () => {
    await using taken = await startApp(createServer());
    const first = createServer();
    let firstPort = 0;
    first.once('listening', () => {
      const bound = first.address();
      firstPort = typeof bound === 'object' && bound !== null ? bound.port : 0;
    });
    const binding = listenAll([
      { server: first, address: anywhere, purpose: 'one thing' },
      { server: createServer(), address: taken.address, purpose: 'the other' },
    ]);
    await expect(binding).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: `cannot listen on 127.0.0.1:${taken.address.port} for the other: another process has the port; stop it or choose another port`,
    });
    expect(firstPort).toBeGreaterThan(0);
    await expect(dial({ host: LOOPBACK, port: firstPort })).rejects.toThrow(/ECONNREFUSED/);
  });

  it('says when an address is not of this machine', async () => {
    const address = { host: '192.0.2.1', port: 0 };
    await expect(
      listenAll([{ server: createServer(), address, purpose: 'tests' }]),
    ).rejects.toThrow(/192\.0\.2\.1:0.*does not have the address/);
  });
});

describe('startProxy', () => {
  it('starts nothing when a port is taken', async () => {
    await using taken = await startApp(createServer());
    const starting = startPair({ server: { hbone: taken.address } });
    await expect(starting).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: expect.stringContaining(`127.0.0.1:${taken.address.port} for HBONE`),
    });
  });

  it('refuses connections over the limit of a listener, and says so', async () => {
    await using pair = await startPair({ client: { limits: { maxConnections: 2 } } });
    const open = [await dial(pair.outbound), await dial(pair.outbound)];
    for (const socket of open) expect(await ask(socket, 'hello')).toBe('hello');
    await readToEnd(connect(pair.outbound));
    await until(() => pair.client.events.denied.length === 1);
    expect(pair.client.events.denied[0]).toMatchObject({
      ...{ direction: 'outbound', reason: 'limit', destination: pair.outbound },
      decision: expect.stringContaining('2 connections open'),
    });
    open[0]?.destroy();
    await until(() => pair.client.events.closed.length === 1);
    expect(await ask(await dial(pair.outbound), 'again')).toBe('again');
  });
});
