import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { allow, toOperation } from '../../../test/kit/policies.ts';
import {
  dial,
  type ProxyPair,
  readToEnd,
  startApp,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';

const onlyGetProducts = allow([toOperation({ methods: ['GET'], paths: ['/api/products*'] })], {
  name: 'only-get-products',
});

/** Tells what it was asked, in JSON. */
function telling(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    const { method, url, headers } = request;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method, url, headers, body }));
  });
}

async function withPair(
  use: (pair: ProxyPair) => Promise<void>,
  policies = [onlyGetProducts],
): Promise<void> {
  await using app = await startApp(createServer(telling));
  await using pair = await startPair({
    app: app.address,
    serverFacts: { authorizationPolicies: policies },
  });
  await use(pair);
}

/** Everything that comes back for these bytes until the connection ends. */
async function exchange(pair: ProxyPair, text: string): Promise<string> {
  const socket = await dial(pair.outbound);
  const ending = readToEnd(socket);
  socket.write(text, 'latin1');
  return (await ending).received.toString('latin1');
}

function get(path: string, more = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: reviews\r\n${more}\r\n`;
}

const CLOSE = 'Connection: close\r\n';

describe('requests of HTTP/1.1', () => {
  it('pass where a rule allows them, and are refused with policy and rule where none does', async () => {
    await withPair(async (pair) => {
      const good = await exchange(pair, get('/api/products/1?x=1', CLOSE));
      expect(good).toMatch(/^HTTP\/1\.1 200 /);
      expect(good).toContain('"url":"/api/products/1?x=1"');
      const bad = await exchange(pair, get('/admin', CLOSE));
      expect(bad).toMatch(/^HTTP\/1\.1 403 /);
      expect(bad).toMatch(/\r\n\r\nRBAC: access denied$/);
      expect(bad).toMatch(/x-hauberk-denied-by: .*shop\/only-get-products rule\[0\]/);
      const post = await exchange(
        pair,
        `POST /api/products HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi`,
      );
      expect(post).toMatch(/^HTTP\/1\.1 403 /);
      await until(() => pair.server.events.requests.length === 3);
      expect(pair.server.events.requests).toMatchObject([
        {
          method: 'GET',
          path: '/api/products/1',
          status: 200,
          verdict: 'allowed',
          host: 'reviews',
        },
        { path: '/admin', status: 403, verdict: 'denied' },
        { method: 'POST', status: 403, verdict: 'denied' },
      ]);
    });
  });

  it('follow each other on one connection, pipelined too, each judged for itself', async () => {
    await withPair(async (pair) => {
      const all = get('/api/products/1') + get('/admin') + get('/api/products/2', CLOSE);
      const text = await exchange(pair, all);
      expect([...text.matchAll(/HTTP\/1\.1 ([0-9]+)/g)].map(([, status]) => status)).toEqual([
        '200',
        '403',
        '200',
      ]);
    });
  });

  it.each([
    ['/api/products/../../admin'],
    ['/api/products/%2e%2e/%2e%2e/admin'],
    ['/api/products/..\\..\\admin'],
    ['//admin'],
    ['/API/products'],
  ])('are judged by the path that is forwarded: %s', async (path) => {
    await withPair(async (pair) => {
      expect(await exchange(pair, get(path, CLOSE))).toMatch(/^HTTP\/1\.1 403 /);
    });
  });

  it('tell the workload who called, and let nobody say it instead', async () => {
    await withPair(async (pair) => {
      const text = await exchange(
        pair,
        get('/api/products', `x_forwarded-client_cert: By=evil\r\n${CLOSE}`),
      );
      const { headers } = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
      expect(headers['x-forwarded-client-cert']).toMatch(
        /^By=spiffe:\/\/cluster.local\/ns\/shop\/sa\/reviews;Hash=[0-9a-f]{64};Subject="";URI=spiffe:\/\/cluster.local\/ns\/shop\/sa\/products$/,
      );
      expect(headers['x_forwarded-client_cert']).toBeUndefined();
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    });
  });
});
