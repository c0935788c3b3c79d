import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { describe, expect, it } from 'vitest';
import { allow, toOperation } from '../../../test/kit/policies.ts';
import { type ProxyPair, startApp, startPair, until } from '../../../test/kit/proxy-pair.ts';

const onlyGetProducts = allow(
  [
    toOperation({ methods: ['GET'], paths: ['/api/products*'] }),
    toOperation({ paths: ['/shop.Shop/Buy'] }),
  ],
  { name: 'only-get-products' },
);

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An application that tells its path, echoes bodies, and ends gRPC calls with trailers. */
function application(): ReturnType<typeof createServer> {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    const grpc = headers['content-type'] === 'application/grpc';
    stream.respond(
      { ':status': 200, 'x-path': headers[':path'], 'x-id': String(headers['x-request-id']) },
      { waitForTrailers: grpc },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.pipe(stream);
  });
  return server;
}

function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(
      { ':method': body === undefined ? 'GET' : 'POST', ...headers },
      { endStream: body === undefined },
    );
    const chunks: Buffer[] = [];
    let got: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    stream.on('response', (each) => {
      got = each;
    });
    stream.on('trailers', (each) => {
      trailers = each;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => resolve({ headers: got, trailers, body: Buffer.concat(chunks) }));
    stream.on('error', reject);
    if (body !== undefined) stream.end(body);
  });
}

async function withSession(
  use: (session: ClientHttp2Session, pair: ProxyPair) => Promise<void>,
): Promise<void> {
  await using app = await startApp(application());
  await using pair = await startPair({
    app: app.address,
    serverFacts: { authorizationPolicies: [onlyGetProducts] },
  });
  const session = connect(`http://127.0.0.1:${pair.outbound.port}`);
  session.on('error', () => undefined);
  try {
    await use(session, pair);
  } finally {
    session.destroy();
  }
}

describe('requests of HTTP/2', () => {
  it('are judged one by one, in streams of one connection', async () => {
    await withSession(async (session, pair) => {
      const paths = Array.from({ length: 20 }, (_, i) =>
        i % 2 === 0 ? `/api/products/${i}` : `/x/${i}`,
      );
      const answers = await Promise.all(paths.map((path) => ask(session, { ':path': path })));
      answers.forEach(({ headers }, i) => {
        expect(headers[':status']).toBe(i % 2 === 0 ? 200 : 403);
        if (i % 2 === 0) expect(headers['x-path']).toBe(paths[i]);
        else expect(headers['x-hauberk-denied-by']).toContain('shop/only-get-products');
      });
      await until(() => pair.server.events.requests.length === 20);
      expect(pair.server.events.requests[0]).toMatchObject({ protocol: 'HTTP/2', method: 'GET' });
    });
  });

  it('answers gRPC in gRPC: status in trailers only', async () => {
    await withSession(async (session) => {
      const grpc = { 'content-type': 'application/grpc', te: 'trailers' };
      const good = await ask(session, { ':path': '/shop.Shop/Buy', ...grpc }, Buffer.from('hello'));
      expect(good.body.toString()).toBe('hello');
      expect(good.trailers['grpc-status']).toBe('0');
      const bad = await ask(
        session,
        { ':path': '/shop.Shop/Refund', ...grpc },
        Buffer.from('hello'),
      );
      expect(bad.headers).toMatchObject({
        ...{ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '7' },
        'grpc-message': 'RBAC: access denied',
      });
    });
  });

  it('carry bodies of any size, whatever of them is refused beside', async () => {
    await withSession(async (session) => {
      const grpc = { 'content-type': 'application/grpc', te: 'trailers' };
      const body = Buffer.alloc(3_000_000, 'abcdefg');
      for (let round = 0; round < 3; round += 1) {
        const [good] = await Promise.all([
          ask(session, { ':path': '/shop.Shop/Buy', ...grpc }, body),
          ask(session, { ':path': '/no' }, Buffer.alloc(60_000)).catch(() => undefined),
          ask(session, { ':path': '/no', ...grpc }, Buffer.alloc(200_000)).catch(() => undefined),
        ]);
        expect(good.body.equals(body)).toBe(true);
      }
    });
  });

  it('are normalized before they are judged, and forwarded so', async () => {
    await withSession(async (session) => {
      const good = await ask(session, { ':path': '/x/../api/products/%61?q=%2e' });
      expect(good.headers['x-path']).toBe('/api/products/a?q=%2e');
      const bad = await ask(session, { ':path': '/api/products/..%2fx/../../admin' });
      expect(bad.headers[':status']).toBe(403);
    });
  });

  it('are reset where they are malformed', async () => {
    await withSession(async (session, pair) => {
      const stream = session.request({ ':path': 'api/products' });
      const code = await new Promise((resolve) => {
        stream.on('error', () => undefined);
        stream.on('close', () => resolve(stream.rstCode));
      });
      expect(code).toBe(constants.NGHTTP2_PROTOCOL_ERROR);
      expect(pair.server.events.malformed).toMatchObject([{ side: 'request' }]);
      expect((await ask(session, { ':path': '/api/products' })).headers[':status']).toBe(200);
    });
  });

  it('are cut when a policy allows them no more, and the connection goes on', async () => {
    await withSession(async (session, pair) => {
      const stream = session.request(
        { ':method': 'POST', ':path': '/shop.Shop/Buy' },
        { endStream: false },
      );
      stream.on('error', () => undefined);
      await new Promise((resolve) => stream.once('response', resolve));
      const facts = pair.server.facts.current;
      const closed = new Promise((resolve) => stream.once('close', resolve));
      pair.server.facts.set({
        ...facts,
        authorizationPolicies: [allow([toOperation({ paths: ['/other'] })], { name: 'other' })],
      });
      await closed;
      expect((await ask(session, { ':path': '/other' })).headers[':status']).toBe(200);
      expect((await ask(session, { ':path': '/shop.Shop/Buy' })).headers[':status']).toBe(403);
    });
  });
});
