import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { rawSend } from '../../../test/kit/http-client.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { allow, toOperation } from '../../../test/kit/policies.ts';
import {
  ask,
  dial,
  type ProxyPair,
  readToEnd,
  startApp,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';
import type { Channel, ChannelHandlers } from '../bytes/channel.ts';
import { AppPool } from './app-pool.ts';

const open = allow([toOperation({ paths: ['/*'] })], { name: 'open' });

/** What an application says to the n-th request (from 1) on its m-th connection, and does then. */
type Reply = (
  connection: number,
  request: number,
  head: string,
) => string | ((socket: Socket) => void);

interface Served {
  readonly pair: ProxyPair;
  /** Heads of requests, by connection. */
  readonly heads: readonly string[][];
  readonly sockets: readonly Socket[];
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CLOSING = 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** A sidecar whose requests are judged, before an application that counts. */
async function withApp(reply: Reply, use: (served: Served) => Promise<void>): Promise<void> {
  const heads: string[][] = [];
  const sockets: Socket[] = [];
  await using app = await startApp(
    createServer((socket) => {
      const mine: string[] = [];
      heads.push(mine);
      sockets.push(socket);
      const number = heads.length;
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        mine.push(chunk.toString('latin1'));
        const said = reply(number, mine.length, chunk.toString('latin1'));
        if (typeof said === 'string') socket.write(said, 'latin1');
        else said(socket);
      });
    }),
  );
  await using pair = await startPair({
    app: app.address,
    serverFacts: { authorizationPolicies: [open] },
    // However slow the machine is.
    server: { limits: { appRestMs: 60_000 } },
  });
  await use({ pair, heads, sockets });
}

const ok: Reply = () => OK;

describe('a connection to the application', () => {
  it('serves the next client when the one before has gone, however that was', async () => {
    await withApp(ok, async ({ pair, heads }) => {
      expect((await rawSend(pair.outbound, CLOSING)).text).toMatch(/200 OK[\s\S]*ok$/);
      const socket = await dial(pair.outbound);
      expect(await ask(socket, 'GET /b HTTP/1.1\r\nHost: a\r\n\r\n')).toContain('200 OK');
      const ending = readToEnd(socket);
      socket.end();
      expect((await ending).how).toBe('ended');
      expect((await rawSend(pair.outbound, CLOSING)).status).toBe(200);
      expect(heads.map((each) => each.length)).toEqual([3]);
    });
  });

  it('is not ended because the client says that it goes, and the client hears the end', async () => {
    const kept: Reply = () =>
      'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok';
    await withApp(kept, async ({ pair, heads }) => {
      const { text } = await rawSend(pair.outbound, CLOSING);
      expect(heads[0]?.[0]).not.toMatch(/^connection:/im);
      expect(text.match(/^(?:connection|keep-alive):.*$/gim)).toEqual(['Connection: close']);
    });
  });

  it('is of one client at a time', async () => {
    await withApp(ok, async ({ pair, heads }) => {
      const first = await dial(pair.outbound);
      await ask(first, 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
      await rawSend(pair.outbound, CLOSING);
      await ask(first, 'GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
      first.destroy();
      expect(heads.map((each) => each.length)).toEqual([2, 1]);
    });
  });

  it.each([
    ['a request with a body', 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi', OK],
    [
      'a body in chunks',
      'GET /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      OK,
    ],
    ['HEAD', 'HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n', OK.slice(0, -2)],
    ['HTTP/1.0', 'GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', OK],
    ['NTLM', 'GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: NTLM TlRMTVNT\r\n\r\n', OK],
    [
      'an answer that asks for Negotiate',
      'GET /a HTTP/1.1\r\nHost: a\r\n\r\n',
      'HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer, Negotiate\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      'an answer that closes',
      'GET /a HTTP/1.1\r\nHost: a\r\n\r\n',
      OK.replace('\r\n', '\r\nConnection: close\r\n'),
    ],
    ['more than the answer', 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n', `${OK}HTTP/1.1 200 OK\r\n\r\n`],
  ])('serves nobody else after %s', async (_, request, answer) => {
    await withApp(
      (connection) => (connection === 1 ? answer : OK),
      async ({ pair, heads }) => {
        const socket = await dial(pair.outbound);
        await ask(socket, request);
        socket.end();
        await readToEnd(socket);
        expect((await rawSend(pair.outbound, CLOSING)).text).toMatch(/200 OK[\s\S]*ok$/);
        expect(heads).toHaveLength(2);
      },
    );
  });

  it('does not wait for a request that must not be asked twice', async () => {
    await withApp(ok, async ({ pair, heads }) => {
      await rawSend(pair.outbound, CLOSING);
      const post =
        'POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi';
      expect((await rawSend(pair.outbound, post)).status).toBe(200);
      expect(heads.map((each) => each.length)).toEqual([1, 1]);
    });
  });

  it('is made anew where the application goes without an answer to its second client', async () => {
    const goesOnce: Reply = (connection, request) =>
      connection === 1 && request === 2 ? (socket) => socket.destroy() : OK;
    await withApp(goesOnce, async ({ pair, heads }) => {
      await rawSend(pair.outbound, CLOSING);
      expect((await rawSend(pair.outbound, CLOSING)).status).toBe(200);
      expect(heads.map((each) => each.length)).toEqual([2, 1]);
    });
  });

  it('is asked anew once and no more', async () => {
    const goes: Reply = (connection, request) =>
      connection === 1 && request === 1 ? OK : (socket) => socket.destroy();
    await withApp(goes, async ({ pair, heads }) => {
      await rawSend(pair.outbound, CLOSING);
      expect((await rawSend(pair.outbound, CLOSING)).status).toBe(503);
      expect(heads.map((each) => each.length)).toEqual([2, 1]);
    });
  });

  it('is cut when the application says something that nobody asked for', async () => {
    await withApp(ok, async ({ pair, heads, sockets }) => {
      await rawSend(pair.outbound, CLOSING);
      const [first] = sockets;
      first?.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
      await until(() => first?.destroyed === true);
      expect((await rawSend(pair.outbound, CLOSING)).text).toMatch(/ok$/);
      expect(heads).toHaveLength(2);
    });
  });
});

/** A channel whose other side is the test. */
class FakeChannel implements Channel {
  handlers: ChannelHandlers | undefined;
  readonly calls: string[] = [];

  start(handlers: ChannelHandlers): void {
    this.handlers = handlers;
  }
  write(): boolean {
    return true;
  }
  end(): void {
    this.calls.push('end');
  }
  pause(): void {}
  resume(): void {}
  reset(): void {
    this.calls.push('reset');
    this.handlers?.closed(new Error('reset'));
  }
}

const nothing: ChannelHandlers = {
  ...{
    data: () => undefined,
    end: () => undefined,
    drain: () => undefined,
    closed: () => undefined,
  },
};

/** Has one request written on a connection of its own, and gives that back. */
async function serveOne(pool: AppPool, made: FakeChannel[], port = 80): Promise<() => void> {
  const channel = pool.channel({ host: '127.0.0.1', port }, async () => {
    const fake = new FakeChannel();
    made.push(fake);
    return fake;
  });
  channel.start(nothing);
  channel.sharing?.repeatable();
  channel.write(Buffer.from('x'), false);
  await new Promise(setImmediate);
  return () => channel.sharing?.release();
}

describe('AppPool', () => {
  it('keeps what is given back for a second, and ends it then', async () => {
    const clock = new ManualClock();
    const pool = new AppPool(clock, 1_000);
    const made: FakeChannel[] = [];
    (await serveOne(pool, made))();
    expect(pool.resting).toBe(1);
    await clock.advance(1_000);
    await until(() => pool.resting === 0);
    expect(made[0]?.calls).toEqual(['end']);
    await clock.advance(1_000);
    await until(() => made[0]?.calls.length === 2);
    expect(made[0]?.calls).toEqual(['end', 'reset']);
    pool.close();
  });

  it('keeps connections of one application from another', async () => {
    const pool = new AppPool(new ManualClock(), 1_000);
    const made: FakeChannel[] = [];
    (await serveOne(pool, made, 80))();
    await serveOne(pool, made, 81);
    await serveOne(pool, made, 80);
    expect(made).toHaveLength(2);
    pool.close();
  });

  it('keeps 64 and no more', async () => {
    const pool = new AppPool(new ManualClock(), 1_000);
    const made: FakeChannel[] = [];
    const releases: (() => void)[] = [];
    for (let i = 0; i < 70; i += 1) releases.push(await serveOne(pool, made));
    for (const release of releases) release();
    expect(pool.resting).toBe(64);
    expect(made.filter(({ calls }) => calls.includes('end'))).toHaveLength(6);
    pool.close();
    expect(made.filter(({ calls }) => calls.includes('reset'))).toHaveLength(64);
  });
});
