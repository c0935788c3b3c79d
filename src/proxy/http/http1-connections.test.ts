import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { rawSend } from '../../../test/kit/http-client.ts';
import { allow, service, toOperation } from '../../../test/kit/policies.ts';
import {
  ask,
  dial,
  type ProxyPair,
  readToEnd,
  startApp,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';

const open = allow([toOperation({ paths: ['/open*'] }), toOperation({ methods: ['CONNECT'] })], {
  name: 'open',
});
const other = allow([toOperation({ paths: ['/other'] })], { name: 'other' });

/** A sidecar before an application that does what `onSocket` says. */
async function withApp(
  onSocket: (socket: Socket) => void,
  use: (pair: ProxyPair) => Promise<void>,
): Promise<void> {
  await using app = await startApp(
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      onSocket(socket);
    }),
  );
  await using pair = await startPair({
    app: app.address,
    serverFacts: { authorizationPolicies: [open] },
  });
  await use(pair);
}

function answering(text: string): (socket: Socket) => void {
  return (socket) => void socket.once('data', () => socket.end(text, 'latin1'));
}

const GET = 'GET /open HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\n';

describe('a connection of HTTP/1', () => {
  it('carries an upgrade, and then whatever the two sides say', async () => {
    await withApp(
      (socket) => {
        socket.once('data', (head) => {
          expect(head.toString()).toContain('Upgrade: websocket');
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
          );
          socket.on('data', (chunk) => socket.write(chunk));
        });
      },
      async (pair) => {
        const socket = await dial(pair.outbound);
        const head =
          'GET /open HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
        expect(await ask(socket, head)).toContain('101 Switching Protocols');
        expect(await ask(socket, 'GET /admin nonsense')).toBe('GET /admin nonsense');
        const ending = readToEnd(socket);
        pair.server.facts.set({ ...pair.server.facts.current, authorizationPolicies: [other] });
        expect((await ending).how).toBe('reset');
        await until(() => pair.server.events.closed.length === 1);
        expect(pair.server.events.closed[0]).toMatchObject({ reason: 'policy-changed' });
      },
    );
  });

  it('asks for no upgrade to HTTP/2, which nobody would judge', async () => {
    await withApp(
      (socket) => {
        socket.once('data', (head) =>
          socket.end(
            `${OK}X-Got: ${/upgrade/i.test(head.toString())}\r\nContent-Length: 0\r\n\r\n`,
          ),
        );
      },
      async (pair) => {
        const head =
          'GET /open HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n';
        expect((await rawSend(pair.outbound, head)).text).toContain('X-Got: false');
      },
    );
  });

  it('refuses a switch of protocols that nobody asked for', async () => {
    await withApp(answering('HTTP/1.1 101 Switching Protocols\r\n\r\n'), async (pair) => {
      expect((await rawSend(pair.outbound, GET)).status).toBe(502);
    });
  });

  it('is a tunnel after CONNECT', async () => {
    await withApp(
      (socket) => {
        socket.once('data', () => {
          socket.write(`${OK}\r\n`);
          socket.pipe(socket);
        });
      },
      async (pair) => {
        const socket = await dial(pair.outbound);
        expect(await ask(socket, 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n')).toContain('200');
        expect(await ask(socket, 'anything')).toBe('anything');
        socket.destroy();
      },
    );
  });

  it('passes interim answers on, and waits for 100 where the client does', async () => {
    await withApp(
      (socket) => {
        socket.once('data', () => {
          socket.write(
            'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n',
          );
          socket.once('data', (body) =>
            socket.end(`${OK}Content-Length: ${body.length}\r\n\r\n${body}`),
          );
        });
      },
      async (pair) => {
        const socket = await dial(pair.outbound);
        const head =
          'POST /open HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n';
        const first = await ask(socket, head);
        expect(first).toContain('103 Early Hints');
        const ending = readToEnd(socket);
        socket.write('hi');
        expect((await ending).received.toString()).toMatch(/200 OK[\s\S]*hi$/);
      },
    );
  });

  it('carries an answer that ends with the connection', async () => {
    await withApp(answering(`${OK}\r\nall of it`), async (pair) => {
      expect((await rawSend(pair.outbound, GET)).text).toMatch(/all of it$/);
    });
  });

  it('serves HTTP/1.0', async () => {
    await withApp(answering('HTTP/1.0 200 OK\r\n\r\nold'), async (pair) => {
      const { text } = await rawSend(pair.outbound, 'GET /open HTTP/1.0\r\n\r\n');
      expect(text).toMatch(/^HTTP\/1\.0 200 OK[\s\S]*old$/);
    });
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['both framings', `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
    ['a folded field', `${OK}X: a\r\n b\r\n\r\n`],
    ['several lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
  ])('refuses an answer with %s', async (_, text) => {
    await withApp(answering(text), async (pair) => {
      expect((await rawSend(pair.outbound, GET)).status).toBe(502);
      expect(pair.server.events.malformed).toMatchObject([{ side: 'response' }]);
    });
  });

  it('gives no second answer to a request that waits behind the first', async () => {
    const twice = `${OK}Content-Length: 1\r\n\r\na${OK}Content-Length: 6\r\n\r\nstolen`;
    await withApp(answering(twice), async (pair) => {
      expect((await rawSend(pair.outbound, GET + GET)).text).not.toContain('stolen');
    });
  });

  it('answers 503 for an application that is not there, or goes without a word', async () => {
    await withApp(
      (socket) => void socket.once('data', () => socket.end()),
      async (pair) => {
        expect((await rawSend(pair.outbound, GET)).status).toBe(503);
      },
    );
    const gone = await startApp(createServer());
    await gone[Symbol.asyncDispose]();
    await using pair = await startPair({
      app: gone.address,
      serverFacts: { authorizationPolicies: [open] },
    });
    expect((await rawSend(pair.outbound, GET)).status).toBe(503);
  });

  it('carries large bodies both ways with slow readers', async () => {
    const body = 'x'.repeat(3_000_000);
    await using app = await startApp(
      createHttpServer((request, response) => {
        request.pipe(response);
      }),
    );
    await using pair = await startPair({
      app: app.address,
      serverFacts: { authorizationPolicies: [open] },
    });
    const head = `POST /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    const { text } = await rawSend(pair.outbound, head + body);
    expect(text.length).toBeGreaterThan(body.length);
  });

  it('is closed when its requests are to be judged and it was opened before', async () => {
    await using pair = await startPair();
    const socket = await dial(pair.outbound);
    await ask(socket, 'opaque');
    const ending = readToEnd(socket);
    pair.server.facts.set({ ...pair.server.facts.current, authorizationPolicies: [open] });
    expect((await ending).how).toBe('reset');
  });

  it('stays opaque on a port that is declared to be something else', async () => {
    await using pair = await startPair();
    const port = pair.inbound.port;
    const mysql = service({ ports: [{ name: 'mysql', port: 80, targetPort: port }] });
    pair.server.facts.set({
      ...pair.server.facts.current,
      services: [mysql],
      requestAuthentications: [
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'RequestAuthentication',
          metadata: { name: 'jwt', namespace: 'shop' },
          spec: { jwtRules: [{ issuer: 'x', jwks: '{"keys":[]}' }] },
        },
      ],
    });
    expect(await ask(await dial(pair.outbound), 'not HTTP')).toBe('not HTTP');
  });

  it('is judged as TCP where an undeclared port turns out to carry something else', async () => {
    await using pair = await startPair({ serverFacts: { authorizationPolicies: [open] } });
    const socket = await dial(pair.outbound);
    const ending = readToEnd(socket);
    socket.write('\x16not HTTP');
    expect((await ending).how).toBe('reset');
    await until(() => pair.server.events.denied.length === 1);
    expect(pair.server.events.denied[0]).toMatchObject({ reason: 'authorization' });
  });
});
