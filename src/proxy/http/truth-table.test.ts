import { createServer, type Server } from 'node:http';
import {
  connect,
  createServer as createHttp2Server,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawSend } from '../../../test/kit/http-client.ts';
import { allow, deny, type PolicyRule } from '../../../test/kit/policies.ts';
import { type ProxyPair, startApp, startPair, type TestApp } from '../../../test/kit/proxy-pair.ts';
import { testIssuer } from '../../../test/kit/tokens.ts';
import type { Address } from '../address.ts';

/** The request that all rules are asked about; `good` rules match it and `bad` ones do not. */
const PATH = '/shop.Shop/Buy';
const TOKEN_CLAIMS = { aud: ['shop'], azp: 'web', groups: ['admins', 'x'] };

interface Row {
  readonly field: string;
  readonly good: readonly PolicyRule[];
  readonly bad: readonly PolicyRule[];
}

function source(values: Record<string, string[]>): PolicyRule {
  return { from: [{ source: values }] };
}
function operation(values: Record<string, string[]>): PolicyRule {
  return { to: [{ operation: values }] };
}
function condition(key: string, values: string[], notValues?: string[]): PolicyRule {
  return { when: [notValues === undefined ? { key, values } : { key, notValues }] };
}

const issuer = testIssuer();
const rows: readonly Row[] = [
  {
    field: 'principals',
    good: [
      source({ principals: ['cluster.local/ns/shop/sa/products'] }),
      source({ principals: ['*'] }),
      source({ notPrincipals: ['x'] }),
    ],
    bad: [source({ principals: ['x*'] }), source({ notPrincipals: ['*/sa/products'] })],
  },
  {
    field: 'namespaces',
    good: [source({ namespaces: ['shop'] }), source({ namespaces: ['s*p'] })],
    bad: [source({ namespaces: ['shopping'] }), source({ notNamespaces: ['shop'] })],
  },
  {
    field: 'ipBlocks',
    good: [source({ ipBlocks: ['127.0.0.0/8'] }), source({ notIpBlocks: ['10.0.0.1'] })],
    bad: [source({ ipBlocks: ['10.0.0.0/8'] }), source({ notIpBlocks: ['127.0.0.1'] })],
  },
  {
    field: 'remoteIpBlocks',
    good: [source({ remoteIpBlocks: ['203.0.113.7'] })],
    bad: [
      source({ remoteIpBlocks: ['127.0.0.0/8'] }),
      source({ notRemoteIpBlocks: ['203.0.113.0/24'] }),
    ],
  },
  {
    field: 'requestPrincipals',
    good: [
      source({ requestPrincipals: [`${issuer.issuer}/ann`] }),
      source({ requestPrincipals: ['*'] }),
    ],
    bad: [source({ requestPrincipals: ['x/ann'] }), source({ notRequestPrincipals: ['*'] })],
  },
  {
    field: 'hosts',
    good: [
      operation({ hosts: ['REVIEWS.shop'] }),
      operation({ hosts: ['reviews*'] }),
      operation({ notHosts: ['x'] }),
    ],
    bad: [operation({ hosts: ['reviews'] }), operation({ notHosts: ['*.shop'] })],
  },
  {
    field: 'methods',
    good: [
      operation({ methods: ['POST'] }),
      operation({ methods: ['*'] }),
      operation({ notMethods: ['GET'] }),
    ],
    bad: [operation({ methods: ['post'] }), operation({ notMethods: ['P*'] })],
  },
  {
    field: 'paths',
    good: [
      operation({ paths: [PATH] }),
      operation({ paths: ['/shop.*'] }),
      operation({ paths: ['*/Buy'] }),
      operation({ paths: ['/{*}/Buy'] }),
      operation({ notPaths: ['/x'] }),
    ],
    bad: [operation({ paths: ['/shop.shop/buy'] }), operation({ notPaths: ['/{**}'] })],
  },
  {
    field: 'request.headers',
    good: [
      condition('request.headers[x-kind]', ['gold']),
      condition('request.headers[X-Kind]', ['g*']),
      condition('request.headers[x-none]', [], ['a']),
    ],
    bad: [
      condition('request.headers[x-kind]', ['GOLD']),
      condition('request.headers[x-none]', ['*']),
    ],
  },
  {
    field: 'request.auth',
    good: [
      condition('request.auth.audiences', ['shop']),
      condition('request.auth.presenter', ['web']),
      condition('request.auth.claims[groups]', ['admins']),
    ],
    bad: [
      condition('request.auth.audiences', ['x']),
      condition('request.auth.claims[groups]', [], ['admins']),
    ],
  },
];

interface Protocol {
  readonly name: string;
  readonly server: () => Server;
  /** Whether the application has answered the request. */
  readonly reaches: (address: Address, token: string) => Promise<boolean>;
}

const FIELDS = { 'x-kind': 'gold', 'x-forwarded-for': '203.0.113.7' };

function http2Server(): Server {
  const server = createHttp2Server();
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200, 'x-app': 'yes' }, { endStream: true });
  });
  return server as unknown as Server;
}

function reachesByHttp2(more: OutgoingHttpHeaders): Protocol['reaches'] {
  return async (address, token) => {
    const session = connect(`http://127.0.0.1:${address.port}`);
    session.on('error', () => undefined);
    try {
      const stream = session.request(
        {
          ...{ ':method': 'POST', ':path': PATH, ':authority': 'reviews.shop', ...FIELDS, ...more },
          authorization: `Bearer ${token}`,
        },
        { endStream: true },
      );
      const headers = await new Promise<OutgoingHttpHeaders>((resolve, reject) => {
        stream.once('response', resolve);
        stream.once('error', reject);
      });
      const reached = headers['x-app'] === 'yes';
      const grpc = 'content-type' in more;
      if (!reached) expect(headers[grpc ? 'grpc-status' : ':status']).toEqual(grpc ? '7' : 403);
      return reached;
    } finally {
      session.destroy();
    }
  };
}

const protocols: readonly Protocol[] = [
  {
    name: 'HTTP/1.1',
    server: () => createServer((_, response) => response.setHeader('x-app', 'yes').end()),
    async reaches(address, token) {
      const lines = Object.entries(FIELDS).map(([name, value]) => `${name}: ${value}\r\n`);
      const head = `POST ${PATH} HTTP/1.1\r\nHost: reviews.shop\r\nConnection: close\r\nContent-Length: 0\r\n`;
      const { status } = await rawSend(
        address,
        `${head}${lines.join('')}Authorization: Bearer ${token}\r\n\r\n`,
      );
      expect([200, 403]).toContain(status);
      return status === 200;
    },
  },
  { name: 'HTTP/2', server: http2Server, reaches: reachesByHttp2({}) },
  {
    name: 'gRPC',
    server: http2Server,
    reaches: reachesByHttp2({ 'content-type': 'application/grpc', te: 'trailers' }),
  },
];

describe.each(protocols)('by $name', ({ server, reaches }) => {
  let app: TestApp;
  let pair: ProxyPair;
  let token: string;

  beforeAll(async () => {
    app = await startApp(server());
    pair = await startPair({ app: app.address });
    token = await issuer.token(TOKEN_CLAIMS);
  });
  afterAll(async () => {
    await pair[Symbol.asyncDispose]();
    await app[Symbol.asyncDispose]();
  });

  function under(rule: PolicyRule, action: typeof allow): void {
    pair.server.facts.set({
      ...pair.server.facts.current,
      authorizationPolicies: [action([{ ...PROBE, ...rule, to: rule.to ?? PROBE.to }])],
      requestAuthentications: [
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'RequestAuthentication',
          metadata: { name: 'jwt', namespace: 'shop' },
          spec: { jwtRules: [{ issuer: issuer.issuer, jwks: issuer.jwks }] },
        },
      ],
    });
  }

  it.each(rows)(
    '$field decides, with its negation and wildcards, in ALLOW and DENY',
    async ({ good, bad }) => {
      for (const [rules, matches] of [
        [good, true],
        [bad, false],
      ] as const) {
        for (const rule of rules) {
          under(rule, allow);
          expect([rule, await reaches(pair.outbound, token)]).toEqual([rule, matches]);
          under(rule, deny);
          expect([rule, await reaches(pair.outbound, token)]).toEqual([rule, !matches]);
        }
      }
    },
  );
});

/** Makes every rule one that looks at requests. */
const PROBE = { to: [{ operation: { methods: ['*'] } }] };
