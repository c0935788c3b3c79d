import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Server as NetServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  AUTHZ_SERVICE,
  grpcAuthorizer,
  withAuthorizer,
} from '../../../test/kit/external-authorizer.ts';
import { rawGet } from '../../../test/kit/http-client.ts';
import { type ProxyPair, startApp } from '../../../test/kit/proxy-pair.ts';

type Provider = Readonly<Record<string, unknown>>;

const rules = [{ to: [{ operation: { paths: ['/asked*'] } }] }];

function telling(request: IncomingMessage, response: ServerResponse): void {
  const { url, headers } = request;
  response.end(JSON.stringify({ url, headers }));
}

async function withProvider(
  authorizer: NetServer,
  provider: Provider,
  use: (pair: ProxyPair) => Promise<void>,
): Promise<void> {
  await using app = await startApp(createServer(telling));
  await withAuthorizer({ app: app.address, authorizer, provider, rules }, use);
}

describe('a CUSTOM policy with a provider that speaks HTTP', () => {
  const provider = {
    envoyExtAuthzHttp: {
      ...{ ...AUTHZ_SERVICE, pathPrefix: '/check', timeout: '5s' },
      includeRequestHeadersInCheck: ['x-user'],
      includeAdditionalHeadersInCheck: { 'x-from': 'mesh' },
      headersToUpstreamOnAllow: ['x-granted'],
      headersToDownstreamOnDeny: ['x-why'],
      headersToDownstreamOnAllow: ['x-seen'],
    },
  };

  it('goes on with the headers of a permission, and gives those of a refusal', async () => {
    const questions: IncomingMessage[] = [];
    const authorizer = createServer((request, response) => {
      questions.push(request);
      response.setHeader('x-granted', 'yes');
      response.setHeader('x-seen', 'yes');
      response.setHeader('x-why', 'because');
      response.setHeader('x-secret', '1');
      response.statusCode = request.headers['x-user'] === 'ann' ? 200 : 418;
      response.end('not you');
    });
    await withProvider(authorizer, provider, async (pair) => {
      const good = await rawGet(
        pair.outbound,
        '/asked/a?x=1',
        'X-User: ann\r\nX-Other: b\r\nX-Granted: spoofed\r\n',
      );
      expect(good.status).toBe(200);
      expect(good.json['headers']).toMatchObject({ 'x-granted': 'yes' });
      expect(good.text).toMatch(/\r\nx-seen: yes\r\n/i);
      expect(questions[0]?.url).toBe('/check/asked/a?x=1');
      expect(questions[0]?.headers).toMatchObject({ 'x-user': 'ann', 'x-from': 'mesh' });
      expect(questions[0]?.headers).not.toHaveProperty('x-other');
      const bad = await rawGet(pair.outbound, '/asked', 'X-User: eve\r\n');
      expect(bad.status).toBe(418);
      expect(bad.text).toMatch(/x-why: because/i);
      expect(bad.text).not.toContain('x-secret');
      expect(bad.text).toMatch(/not you$/);
      expect(bad.text).toContain('shop/asks rule[0]');
      expect((await rawGet(pair.outbound, '/other')).status).toBe(200);
      expect(questions).toHaveLength(2);
    });
  });

  it.each([
    ['refuses by default', {}, 403],
    ['refuses with the status that is set', { statusOnError: '503' }, 503],
    ['goes on where it is to fail open', { failOpen: true }, 200],
  ])('%s when the provider fails', async (_, more, status) => {
    const failing = createServer((_request, response) => {
      response.statusCode = 500;
      response.end();
    });
    const set = { envoyExtAuthzHttp: { ...provider.envoyExtAuthzHttp, ...more } };
    await withProvider(failing, set, async (pair) => {
      expect((await rawGet(pair.outbound, '/asked')).status).toBe(status);
    });
  });

  it('refuses when the provider does not answer in time', async () => {
    const silent = createServer(() => undefined);
    const set = { envoyExtAuthzHttp: { ...provider.envoyExtAuthzHttp, timeout: '0.1s' } };
    await withProvider(silent, set, async (pair) => {
      const answer = await rawGet(pair.outbound, '/asked');
      expect(answer.status).toBe(403);
      expect(answer.text).toContain('does not answer in time');
    });
  });
});

describe('a CUSTOM policy with a provider that speaks gRPC', () => {
  it('asks envoy.service.auth.v3.Authorization/Check', async () => {
    const authorizer = grpcAuthorizer(({ attributes }) => {
      const { http } = attributes?.request ?? {};
      const { source, destination } = attributes ?? {};
      const known = `${source?.principal} ${destination?.principal} ${http?.method} ${http?.path}`;
      if (http?.headers['x-user'] !== 'ann') {
        return {
          status: { code: 16 },
          httpResponse: {
            case: 'deniedResponse',
            value: {
              status: { code: 401 },
              body: 'who are you',
              headers: [{ header: { key: 'x-why', value: 'nobody' } }],
            },
          },
        };
      }
      return {
        status: { code: 0 },
        httpResponse: {
          case: 'okResponse',
          value: {
            headers: [{ header: { key: 'x-known', value: known } }],
            headersToRemove: ['x-user'],
          },
        },
      };
    });
    await withProvider(authorizer, { envoyExtAuthzGrpc: AUTHZ_SERVICE }, async (pair) => {
      const good = await rawGet(pair.outbound, '/asked?q', 'X-User: ann\r\n');
      expect(good.status).toBe(200);
      expect(good.json['headers']).toMatchObject({
        'x-known':
          'spiffe://cluster.local/ns/shop/sa/products spiffe://cluster.local/ns/shop/sa/reviews GET /asked?q',
      });
      expect(good.json['headers']).not.toHaveProperty('x-user');
      const bad = await rawGet(pair.outbound, '/asked');
      expect(bad.status).toBe(401);
      expect(bad.text).toMatch(/x-why: nobody/);
      expect(bad.text).toMatch(/who are you$/);
    });
  });
});
