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
import { listenAll } from './listen.ts';

const anywhere = { host: LOOPBACK, port: 0 };

describe('listenAll', () => {
  it('gives the real addresses in order', async () => {
    const servers = [createServer(), createServer()];
    const plans = servers.map((server) => ({ server, address: anywhere, purpose: 'tests' }));
    const bound = await listenAll(plans);
    expect(bound).toHaveLength(2);
    for (const [i, server] of servers.entries()) {
      expect(server.address()).toMatchObject({ port: bound[i]?.port });
      server.close();
    }
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
