import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createRawServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { startApp } from '../../../test/kit/proxy-pair.ts';
import { testIssuer } from '../../../test/kit/tokens.ts';
import { issuerKeys } from '../../app/control-plane/issuer-keys.ts';
import { systemClock } from '../../lib/clock.ts';
import { qualifiedKind } from '../../resources/kind-definition.ts';
import { jsonWebKeySet } from '../../resources/kinds/json-web-key-set.ts';
import { memoryStore } from '../../store/memory-store.ts';

// What servers of keys may answer, on real sockets. Nothing of it may be kept, hold anything up or grow.

const { jwks, issuer } = testIssuer();

/** Has the keys fetched from `server`, as a rule with this timeout wants them: what goes wrong, and what is held. */
async function fetchedFrom(server: Server, timeout: string): Promise<readonly [string, number]> {
  await using app = await startApp(server);
  const store = memoryStore({ clock: systemClock });
  const problems: string[] = [];
  const stopping = new AbortController();
  const running = issuerKeys({
    ...{ config: { allowedKeyAddresses: ['127.0.0.0/8'] }, store, clock: systemClock },
    events: { taskFailed: ({ reason }) => problems.push(reason) },
  })(stopping.signal);
  const held = async () => (await store.list(qualifiedKind(jsonWebKeySet))).items;
  const jwksUri = `http://127.0.0.1:${app.address.port}/jwks`;
  try {
    await store.commit([
      {
        op: 'put',
        resource: {
          apiVersion: 'security.istio.io/v1',
          kind: 'RequestAuthentication',
          metadata: { name: 'jwt', namespace: 'shop' },
          spec: { jwtRules: [{ issuer, jwksUri, timeout }] },
        },
      },
    ]);
    await vi.waitFor(
      async () => expect(problems.length + (await held()).length).toBeGreaterThan(0),
      { timeout: 20_000 },
    );
    return [problems[0] ?? '', (await held()).length];
  } finally {
    stopping.abort();
    await running;
    store.close();
  }
}

function answering(answer: RequestListener): Server {
  return createServer(answer);
}

/** Writes one piece again and again, until nobody listens. */
function forever(response: ServerResponse | Socket, piece: string, everyMs: number): void {
  const timer = setInterval(() => response.write(piece), everyMs);
  response.once('close', () => clearInterval(timer));
}

const deep = `{"keys":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;

describe('the keys of an issuer', () => {
  it('are held when the answer is good, in pieces and late, but in time', async () => {
    const slow = answering((_request, response) => {
      const half = jwks.length / 2;
      response.write(jwks.slice(0, half));
      setTimeout(() => response.end(jwks.slice(half)), 200);
    });
    expect(await fetchedFrom(slow, '10s')).toEqual(['', 1]);
  });

  it.each<[string, Server, string, RegExp]>([
    ['says nothing', createRawServer(() => undefined), '0.3s', /in time|timed out|within/],
    [
      'begins and does not go on',
      answering((_request, response) => void response.write('{"keys":')),
      '0.3s',
      /in time|timed out|within/,
    ],
    [
      'sends a byte now and then',
      answering((_request, response) => forever(response, ' ', 20)),
      '0.3s',
      /in time|timed out|within/,
    ],
    [
      'sends headers for ever',
      createRawServer((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        forever(socket, `x-${'y'.repeat(1_000)}: z\r\n`, 1);
      }),
      '10s',
      /./,
    ],
    [
      'sends a body without an end',
      answering((_request, response) => forever(response, ' '.repeat(64 * 1024), 1)),
      '10s',
      /more than/,
    ],
    [
      'announces a body that is huge',
      answering((_request, response) => {
        response.setHeader('content-length', 2 ** 40);
        response.write(jwks);
      }),
      '10s',
      /more than/,
    ],
    [
      'breaks off',
      answering((_request, response) => {
        response.setHeader('content-length', jwks.length);
        response.write(jwks.slice(0, 20));
        setTimeout(() => response.destroy(), 50);
      }),
      '10s',
      /./,
    ],
    [
      'redirects to itself for ever',
      answering((_request, response) => response.writeHead(302, { location: '/jwks' }).end()),
      '10s',
      /redirect/i,
    ],
    [
      'redirects to a file',
      answering((_request, response) =>
        response.writeHead(301, { location: 'file:///etc/passwd' }).end(),
      ),
      '10s',
      /not the same server|http/,
    ],
    [
      'answers with an error',
      answering((_request, response) => response.writeHead(500).end(jwks)),
      '10s',
      /500/,
    ],
    ['is nested too deep', answering((_request, response) => response.end(deep)), '10s', /./],
    [
      'names one thing twice',
      answering((_request, response) =>
        response.end(jwks.replace('{"keys":', '{"keys":[],"keys":')),
      ),
      '10s',
      /./,
    ],
    ['is compressed', answering((_request, response) => response.end(gzipSync(jwks))), '10s', /./],
    [
      'is no UTF-8',
      answering((_request, response) => response.end(Buffer.from([0x7b, 0xff]))),
      '10s',
      /./,
    ],
    ['is no HTTP', createRawServer((socket) => socket.end('hello\r\n')), '10s', /./],
  ])('are not held when the server %s', async (_what, server, timeout, reason) => {
    const [problem, held] = await fetchedFrom(server, timeout);
    expect([problem, held]).toEqual([expect.stringMatching(reason), 0]);
    expect(problem.length).toBeLessThan(1_000);
  });
});
