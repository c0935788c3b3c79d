import { createServer, type IncomingMessage } from 'node:http';
import { connect, createServer as createH2Server, type ServerHttp2Stream } from 'node:http2';
import type { Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  AUTHZ_SERVICE,
  grpcAuthorizer,
  withAuthorizer,
} from '../../../test/kit/external-authorizer.ts';
import { rawSend } from '../../../test/kit/http-client.ts';
import { ask, dial, type ProxyPair, readToEnd, startApp } from '../../../test/kit/proxy-pair.ts';

const rules = [{ to: [{ operation: { paths: ['/asked*'] } }] }];

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}

/** What the authorizer and the application saw. */
interface Seen {
  readonly asked: { readonly body: string; readonly partial: unknown }[];
  readonly served: string[];
}

/** An authorizer by HTTP that refuses bodies with "bad" in them. */
function strict(seen: Seen): Server {
  return createServer(async (request, response) => {
    const body = await bodyOf(request);
    seen.asked.push({ body, partial: request.headers['x-envoy-auth-partial-body'] });
    response.statusCode = body.includes('bad') ? 403 : 200;
    response.end();
  });
}

async function withBodies(
  check: { readonly maxRequestBytes: number; readonly allowPartialMessage?: boolean },
  use: (pair: ProxyPair, seen: Seen) => Promise<void>,
): Promise<void> {
  const seen: Seen = { asked: [], served: [] };
  await using app = await startApp(
    createServer(async (request, response) => {
      seen.served.push(await bodyOf(request));
      response.end('served');
    }),
  );
  const provider = { envoyExtAuthzHttp: { ...AUTHZ_SERVICE, includeRequestBodyInCheck: check } };
  const mesh = { app: app.address, authorizer: strict(seen), provider, rules };
  await withAuthorizer(mesh, (pair) => use(pair, seen));
}

const post = (body: string, more = '') =>
  `POST /asked HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
const chunked = (...chunks: readonly string[]) => {
  const framed = chunks.map((chunk) => `${chunk.length.toString(16)};x=y\r\n${chunk}\r\n`);
  return `POST /asked HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${framed.join('')}0\r\n\r\n`;
};

describe('a provider that wants to see bodies', () => {
  it('is shown them whole, however they are framed, and they go on as they came', async () => {
    await withBodies({ maxRequestBytes: 10 }, async ({ outbound }, seen) => {
      const good = [post('0123456789'), chunked('01234', '56789'), post(''), chunked()];
      for (const bytes of good) expect((await rawSend(outbound, bytes)).status).toBe(200);
      expect(seen.asked).toEqual(
        ['0123456789', '0123456789', '', ''].map((body) => ({ body, partial: 'false' })),
      );
      expect(seen.served).toEqual(['0123456789', '0123456789', '', '']);
      for (const bytes of [post('a bad one'), chunked('a b', 'ad', ' one')]) {
        expect((await rawSend(outbound, bytes)).status).toBe(403);
      }
      expect(seen.served).toHaveLength(4);
    });
  });

  it('is not asked about one that is too long', async () => {
    await withBodies({ maxRequestBytes: 10 }, async ({ outbound }, seen) => {
      for (const bytes of [post('0123456789x'), chunked('01234', '56789x', 'more')]) {
        const { status, text } = await rawSend(outbound, bytes);
        expect(status).toBe(413);
        expect(text).toContain('the body has more than 10 bytes');
      }
      expect(seen).toEqual({ asked: [], served: [] });
    });
  });

  it('is shown the beginning where that is enough for it', async () => {
    await withBodies(
      { maxRequestBytes: 4, allowPartialMessage: true },
      async ({ outbound }, seen) => {
        const long = 'x'.repeat(300_000);
        expect((await rawSend(outbound, post(long))).status).toBe(200);
        expect((await rawSend(outbound, chunked('ab', 'cdef'))).status).toBe(200);
        expect((await rawSend(outbound, post('ab'))).status).toBe(200);
        expect(seen.asked).toEqual([
          { body: 'xxxx', partial: 'true' },
          { body: 'abcd', partial: 'true' },
          { body: 'ab', partial: 'false' },
        ]);
        expect(seen.served).toEqual([long, 'abcdef', 'ab']);
      },
    );
  });

  it('has the client asked for a body that it holds back', async () => {
    await withBodies({ maxRequestBytes: 10 }, async ({ outbound }, seen) => {
      const socket = await dial(outbound);
      const head = post('hello', 'Expect: 100-continue\r\n').slice(0, -'hello'.length);
      expect(await ask(socket, head)).toMatch(/^HTTP\/1\.1 100 /);
      const rest = readToEnd(socket);
      socket.write('hello');
      expect((await rest).received.toString()).toMatch(/^HTTP\/1\.1 200 /);
      expect(seen.served).toEqual(['hello']);
    });
  });

  it('answers 400 for chunks that are none, and nothing goes on', async () => {
    await withBodies({ maxRequestBytes: 10 }, async ({ outbound }, seen) => {
      const bytes = chunked('ab').replace('2;x=y', 'zz');
      expect((await rawSend(outbound, bytes)).status).toBe(400);
      expect(seen).toEqual({ asked: [], served: [] });
    });
  });

  it('is not asked when the client breaks off', async () => {
    await withBodies({ maxRequestBytes: 10 }, async ({ outbound, server }, seen) => {
      const socket = await dial(outbound);
      socket.write(post('hello').slice(0, -2));
      socket.end();
      await readToEnd(socket);
      expect(server.events.requests.map(({ verdict }) => verdict)).toEqual(['denied']);
      expect(seen).toEqual({ asked: [], served: [] });
    });
  });

  it('looks at several requests of one connection, one after the other', async () => {
    await withBodies({ maxRequestBytes: 10 }, async ({ outbound }, seen) => {
      const first = post('first').replace('Connection: close\r\n', '');
      const { text } = await rawSend(outbound, `${first}${post('second')}`);
      expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
      expect(seen.served).toEqual(['first', 'second']);
    });
  });

  it('is shown those of HTTP/2 too, by gRPC as text or as bytes', async () => {
    const shown: unknown[] = [];
    const authorizer = grpcAuthorizer(({ attributes }) => {
      const { body, rawBody, headers } = attributes?.request?.http ?? {};
      shown.push([body, Buffer.from(rawBody ?? []).toString(), headers?.[PARTIAL]]);
      return { status: { code: body === 'bad' ? 7 : 0 } };
    });
    await using app = await startApp(h2Echo());
    const includeRequestBodyInCheck = { maxRequestBytes: 10 };
    const provider = { envoyExtAuthzGrpc: { ...AUTHZ_SERVICE, includeRequestBodyInCheck } };
    const mesh = { app: app.address, authorizer, provider, rules };
    await withAuthorizer(mesh, async ({ outbound }) => {
      expect(await postByHttp2(outbound.port, 'hello')).toEqual([200, 'hello']);
      expect(await postByHttp2(outbound.port, 'bad')).toEqual([403, expect.any(String)]);
      expect(await postByHttp2(outbound.port, 'x'.repeat(11))).toEqual([413, expect.any(String)]);
    });
    expect(shown).toEqual([
      ['hello', '', 'false'],
      ['bad', '', 'false'],
    ]);
  });

  it('is given bytes where it wants bytes', async () => {
    const shown: unknown[] = [];
    const authorizer = grpcAuthorizer(({ attributes }) => {
      const { body, rawBody } = attributes?.request?.http ?? {};
      shown.push([body, [...(rawBody ?? [])]]);
      return { status: { code: 0 } };
    });
    await using app = await startApp(createServer((_request, response) => response.end()));
    const includeRequestBodyInCheck = { maxRequestBytes: 10, packAsBytes: true };
    const provider = { envoyExtAuthzGrpc: { ...AUTHZ_SERVICE, includeRequestBodyInCheck } };
    await withAuthorizer(
      { app: app.address, authorizer, provider, rules },
      async ({ outbound }) => {
        expect((await rawSend(outbound, post('\xff\x00\xfe'))).status).toBe(200);
      },
    );
    expect(shown).toEqual([['', [255, 0, 254]]]);
  });
});

const PARTIAL = 'x-envoy-auth-partial-body';

function h2Echo(): Server {
  const server = createH2Server();
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  return server as unknown as Server;
}

async function postByHttp2(port: number, body: string): Promise<readonly [number, string]> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({ ':method': 'POST', ':path': '/asked' });
    stream.on('error', () => undefined);
    const headers = Promise.withResolvers<number>();
    stream.on('response', ({ ':status': status }) => headers.resolve(Number(status)));
    stream.end(body);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return [await headers.promise, Buffer.concat(chunks).toString()];
  } finally {
    session.close();
  }
}
