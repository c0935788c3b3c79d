import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawGet, rawSend } from '../../../test/kit/http-client.ts';
import { allow, authorizationPolicy, fromSource, when } from '../../../test/kit/policies.ts';
import { type ProxyPair, startApp, startPair, type TestApp } from '../../../test/kit/proxy-pair.ts';
import { testIssuer, unsignedToken } from '../../../test/kit/tokens.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { JsonWebKeySet } from '../../resources/kinds/json-web-key-set.ts';
import type {
  JwtRule,
  RequestAuthentication,
} from '../../resources/kinds/request-authentication.ts';

const issuer = testIssuer();
const other = testIssuer('https://other.example', 'k2');
const basic: JwtRule = { issuer: issuer.issuer, jwks: issuer.jwks };

function policyOf(jwtRules: readonly JwtRule[], name = 'jwt'): RequestAuthentication {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name, namespace: 'shop' },
    spec: { jwtRules },
  };
}

let app: TestApp;
let pair: ProxyPair;

beforeAll(async () => {
  app = await startApp(
    createServer((request, response) => {
      const { url, headers } = request;
      response.end(JSON.stringify({ url, headers }));
    }),
  );
  pair = await startPair({ app: app.address });
});

afterAll(async () => {
  await pair[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
});

function under(facts: Partial<MeshFacts>): void {
  const base = { requestAuthentications: [], authorizationPolicies: [], keySets: [] };
  pair.server.facts.set({ ...pair.server.facts.current, ...base, ...facts });
}

function withRules(...rules: readonly JwtRule[]): void {
  under({ requestAuthentications: [policyOf(rules)] });
}

async function statusWith(token: string): Promise<number> {
  return (await rawGet(pair.outbound, '/', `Authorization: Bearer ${token}\r\n`)).status;
}

describe('RequestAuthentication', () => {
  it('lets requests without a token go on, and good tokens', async () => {
    withRules(basic);
    expect((await rawGet(pair.outbound, '/')).status).toBe(200);
    const good = await rawGet(
      pair.outbound,
      '/',
      `Authorization: Bearer ${await issuer.token()}\r\n`,
    );
    expect(good.status).toBe(200);
    expect(good.json['headers']).not.toHaveProperty('authorization');
  });

  it('refuses a bad token with 401, and says why', async () => {
    withRules(basic);
    const expired = await issuer.token({ exp: 1_000 });
    const answer = await rawGet(pair.outbound, '/x', `Authorization: Bearer ${expired}\r\n`);
    expect(answer.status).toBe(401);
    expect(answer.text).toMatch(
      /www-authenticate: Bearer realm="http:\/\/reviews\/x", error="invalid_token"/,
    );
    expect(answer.text).toMatch(/\r\n\r\nJwt is expired$/);
  });

  const nowS = Math.floor(Date.now() / 1_000);
  const claims = { iss: issuer.issuer, sub: 'eve', exp: nowS + 600 };
  const confused = (): string => {
    const pem = issuer.publicKey.export({ type: 'spki', format: 'pem' });
    const text = unsignedToken({ alg: 'HS256', kid: 'k1', typ: 'JWT' }, claims).replace(
      /\.[^.]*$/,
      '',
    );
    return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
  };
  it.each<[string, () => string | Promise<string>, number]>([
    ['alg none', () => unsignedToken({ alg: 'none' }, claims), 401],
    ['alg None', () => unsignedToken({ alg: 'None' }, claims, ''), 401],
    ['the public key as a shared secret', confused, 401],
    [
      'a key of its own in the header',
      () => unsignedToken({ alg: 'ES256', jwk: { kty: 'EC' } }, claims),
      401,
    ],
    ['an unknown kid', () => issuer.token({}, { kid: '../../dev/null' }), 401],
    ['a kid that is no text', () => unsignedToken({ alg: 'ES256', kid: {} }, claims), 401],
    ['a critical extension', () => unsignedToken({ alg: 'ES256', crit: ['x'], x: 1 }, claims), 401],
    [
      'the signature of another issuer',
      async () => {
        const [head, body] = (await issuer.token()).split('.');
        const signature = (await other.token()).split('.')[2];
        return `${head}.${body}.${signature}`;
      },
      401,
    ],
    [
      'changed claims',
      async () => {
        const [head, , signature] = (await issuer.token()).split('.');
        return `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
      },
      401,
    ],
    ['a future nbf', () => issuer.token({ nbf: nowS + 600 }), 401],
    ['an nbf within the skew', () => issuer.token({ nbf: nowS + 30 }), 200],
    ['an exp within the skew', () => issuer.token({ exp: nowS - 30 }), 200],
    ['no exp', () => issuer.token({ exp: undefined }), 200],
    ['an exp that is a text', () => issuer.token({ exp: 'never' }), 401],
    ['an issuer that nobody named', () => other.token(), 401],
    ['two parts', () => 'a.b', 401],
    ['nothing', () => '', 200],
    ['much', () => `${'a'.repeat(20_000)}.b.c`, 401],
    ['deep claims', () => issuer.token({ a: JSON.parse('['.repeat(500) + ']'.repeat(500)) }), 200],
  ])('on a token with %s answers', async (_, make, status) => {
    withRules(basic);
    const found = await statusWith(await make());
    if (status === 200) expect([200, 401]).toContain(found);
    else expect(found).toBe(status);
  });

  it('refuses the wrong audience with 403', async () => {
    withRules({ ...basic, audiences: ['shop', 'api'] });
    expect(await statusWith(await issuer.token({ aud: ['x', 'api'] }))).toBe(200);
    expect(await statusWith(await issuer.token({ aud: 'shop' }))).toBe(200);
    expect(await statusWith(await issuer.token({ aud: 'x' }))).toBe(403);
    expect(await statusWith(await issuer.token())).toBe(403);
  });

  it('finds tokens where the rule says, and only there', async () => {
    withRules({
      ...basic,
      fromHeaders: [{ name: 'X-Token', prefix: 'JWT ' }],
      fromParams: ['t'],
      fromCookies: ['session'],
    });
    const token = await issuer.token();
    const bad = `${token}x`;
    const send = async (path: string, more = ''): Promise<number> =>
      (await rawGet(pair.outbound, path, more)).status;
    expect(await send('/', `X-Token: JWT ${token}\r\n`)).toBe(200);
    expect(await send('/', `X-Token: JWT ${bad}\r\n`)).toBe(401);
    expect(await send('/', `X-Token: ${bad}\r\n`)).toBe(200);
    expect(await send(`/?a=1&t=${bad}`)).toBe(401);
    expect(await send('/', `Cookie: a=b; session=${bad}\r\n`)).toBe(401);
    expect(await send('/', `Authorization: Bearer ${bad}\r\n`)).toBe(200);
    const good = await rawGet(pair.outbound, `/x?a=1&t=${token}&b=2`);
    expect(good.json['url']).toBe('/x?a=1&b=2');
  });

  it('takes the query parameter access_token by default', async () => {
    withRules(basic);
    expect((await rawGet(pair.outbound, `/?access_token=${await issuer.token()}x`)).status).toBe(
      401,
    );
  });

  it('forwards the token where it is told to', async () => {
    withRules({ ...basic, forwardOriginalToken: true });
    const token = await issuer.token();
    const answer = await rawGet(pair.outbound, '/', `Authorization: Bearer ${token}\r\n`);
    expect(answer.json['headers']).toMatchObject({ authorization: `Bearer ${token}` });
  });

  it('puts payload and claims into headers that nobody else can set', async () => {
    withRules({
      ...basic,
      outputPayloadToHeader: 'x-payload',
      outputClaimToHeaders: [
        { header: 'x-user', claim: 'sub' },
        { header: 'x-level', claim: 'a.level' },
        { header: 'x-admin', claim: 'admin' },
        { header: 'x-list', claim: 'list' },
      ],
    });
    const spoofed = 'X-User: root\r\nX_USER: root\r\nx-payload: e30\r\nx-list: a\r\n';
    const none = await rawGet(pair.outbound, '/', spoofed);
    for (const name of ['x-user', 'x_user', 'x-payload', 'x-list']) {
      expect(none.json['headers']).not.toHaveProperty(name);
    }
    const token = await issuer.token({ a: { level: 7 }, admin: true, list: ['x'] });
    const good = await rawGet(pair.outbound, '/', `${spoofed}Authorization: Bearer ${token}\r\n`);
    expect(good.json['headers']).toMatchObject({
      ...{ 'x-user': 'ann', 'x-level': '7', 'x-admin': 'true' },
      'x-payload': token.split('.')[1],
    });
    expect(good.json['headers']).not.toHaveProperty('x-list');
  });

  it('combines several rules and policies', async () => {
    const second: JwtRule = { issuer: other.issuer, jwks: other.jwks };
    under({ requestAuthentications: [policyOf([basic]), policyOf([second], 'second')] });
    expect(await statusWith(await issuer.token())).toBe(200);
    expect(await statusWith(await other.token())).toBe(200);
    expect(await statusWith(await testIssuer('https://third.example').token())).toBe(401);
    withRules(basic, { ...second, fromHeaders: [{ name: 'x-second' }] });
    const good = `Authorization: Bearer ${await issuer.token()}\r\n`;
    const bad = `X-Second: ${await other.token()}x\r\n`;
    expect((await rawGet(pair.outbound, '/', bad)).status).toBe(401);
    expect((await rawGet(pair.outbound, '/', good)).status).toBe(200);
  });

  it('gives policies who the token is of', async () => {
    under({
      requestAuthentications: [policyOf([basic])],
      authorizationPolicies: [
        allow([
          {
            ...fromSource({ requestPrincipals: [`${issuer.issuer}/ann`] }),
            ...when({ key: 'request.auth.claims[groups]', values: ['admins'] }),
          },
        ]),
      ],
    });
    expect((await rawGet(pair.outbound, '/')).status).toBe(403);
    expect(await statusWith(await issuer.token({ groups: ['x', 'admins'] }))).toBe(200);
    expect(await statusWith(await issuer.token({ groups: ['x'] }))).toBe(403);
    expect(await statusWith(await issuer.token({ sub: 'bob', groups: ['admins'] }))).toBe(403);
  });

  it('lets preflights of browsers go on', async () => {
    withRules(basic);
    const preflight = `OPTIONS / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nOrigin: b\r\nAccess-Control-Request-Method: GET\r\nAuthorization: Bearer x\r\n\r\n`;
    expect((await rawSend(pair.outbound, preflight)).status).toBe(200);
  });

  it('fails closed without keys, and takes those that were fetched', async () => {
    const { jwks: _, ...rule } = { ...basic, jwksUri: 'https://keys.example/jwks' };
    under({ requestAuthentications: [policyOf([rule])] });
    const token = await issuer.token();
    expect(await statusWith(token)).toBe(401);
    expect((await rawGet(pair.outbound, '/')).status).toBe(200);
    const keySet: JsonWebKeySet = {
      apiVersion: 'security.hauberk.dev/v1alpha1',
      kind: 'JsonWebKeySet',
      metadata: { name: 'x' },
      spec: { source: rule.jwksUri, jwks: issuer.jwks },
    };
    under({ requestAuthentications: [policyOf([rule])], keySets: [keySet] });
    expect(await statusWith(token)).toBe(200);
  });

  it('says nothing about a policy that only looks at connections', async () => {
    under({ authorizationPolicies: [authorizationPolicy({ rules: [{}] })] });
    expect(await statusWith('rubbish')).toBe(200);
  });
});
