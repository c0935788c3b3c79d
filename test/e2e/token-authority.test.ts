import { readdirSync, readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { hauberk } from '../kit/hauberk.ts';

const ISSUER = 'https://mesh.example.com';
let plane: ControlPlaneRig;

beforeAll(async () => {
  const tokens = { issuer: ISSUER, oidc: { host: '127.0.0.1', port: 0 } };
  plane = await controlPlaneRig({ tokens });
  await plane.apply(SHOP);
});
afterAll(() => plane.close());

interface BundleObject {
  readonly spec: { readonly document: string };
}

async function bundleKeys(): Promise<readonly Record<string, unknown>[]> {
  const place = { name: 'cluster.local' };
  const { spec } = await plane.operator.get<BundleObject>('trustbundles', place);
  return JSON.parse(spec.document).keys;
}

/** As a verifier would that trusts the mesh's root for its TLS. */
async function oidc(path: string, method = 'GET') {
  const [root] = await bundleKeys();
  const der = String((root?.['x5c'] as string[] | undefined)?.[0]);
  const ca = `-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----\n`;
  const to = { host: '127.0.0.1', port: plane.oidcPort, servername: 'localhost' };
  return new Promise<{ status: number; type: string; cache: string; body: string }>(
    (resolve, reject) => {
      const sent = httpsRequest({ ...to, path, method, ca, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const { 'content-type': type = '', 'cache-control': cache = '' } = response.headers;
          const body = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, type, cache, body });
        });
      });
      sent.on('error', reject);
      sent.end();
    },
  );
}

const create = (...args: readonly string[]) =>
  hauberk(['token', 'create', '--data-dir', plane.dataDir, ...args]);

describe('hauberk token create --type jwt', () => {
  it('makes a token that any OpenID Connect verifier accepts', async () => {
    const made = await create(
      ...['--service-account', 'shop/reviews', '--type', 'jwt'],
      ...['--audience', 'vault', '--audience', 'web', '--ttl', '10m'],
    );
    expect(made.code).toBe(0);
    const discovery = await oidc('/.well-known/openid-configuration');
    expect(discovery).toMatchObject({ status: 200, type: 'application/json' });
    const { jwks_uri, issuer, id_token_signing_alg_values_supported } = JSON.parse(discovery.body);
    expect([issuer, jwks_uri]).toEqual([ISSUER, `${ISSUER}/openid/v1/jwks`]);
    expect(id_token_signing_alg_values_supported).toEqual(['ES256']);
    const jwks = await oidc(new URL(jwks_uri).pathname);
    expect(jwks).toMatchObject({ status: 200, type: 'application/jwk-set+json' });
    expect(jwks.cache).toBe('public, max-age=3600');
    const keys = createLocalJWKSet(JSON.parse(jwks.body));
    const { payload } = await jwtVerify(made.stdout.trim(), keys, { issuer, audience: 'web' });
    expect(payload).toMatchObject({
      sub: 'system:serviceaccount:shop:reviews',
      aud: ['vault', 'web'],
      'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'reviews' } },
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600);
    expect(plane.audit().at(-1)).toMatchObject({
      ...{ event: 'token.issue', subject: 'shop/reviews', tokenId: payload.jti },
    });
  });

  it.each<[string, readonly string[], number, RegExp]>([
    [
      'an unknown account',
      ['--service-account', 'shop/nobody', '--type', 'jwt'],
      1,
      /does not exist/,
    ],
    [
      '8 days',
      ['--service-account', 'shop/reviews', '--type', 'jwt', '--ttl', '8d'],
      2,
      /no lifetime/,
    ],
    [
      'an audience for an enrolment token',
      ['--service-account', 'shop/reviews', '--audience', 'a'],
      2,
      /add --type jwt/,
    ],
    [
      'a type that is none',
      ['--service-account', 'shop/reviews', '--type', 'x'],
      2,
      /Allowed choices/,
    ],
  ])('refuses %s', async (_, args, code, message) => {
    const answer = await create(...args);
    expect(answer.stderr).toMatch(message);
    expect(answer.code).toBe(code);
  });
});

describe('OpenID Connect discovery', () => {
  it.each([
    ['POST', '/openid/v1/jwks', 405],
    ['GET', '/', 404],
    ['GET', '/openid/v1/jwks/../../master.key', 404],
    ['HEAD', '/openid/v1/jwks?x=1', 200],
  ])('answers %s %s with %i', async (method, path, status) => {
    expect((await oidc(path, method)).status).toBe(status);
  });
});

describe('the keys of tokens', () => {
  it('are in the bundle, beside the certificates, as public keys', async () => {
    const jwt = (await bundleKeys()).filter(({ use }) => use === 'jwt-svid');
    expect(jwt).toEqual([
      {
        use: 'jwt-svid',
        kid: expect.any(String),
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
      },
    ]);
    expect(JSON.parse((await oidc('/openid/v1/jwks')).body).keys[0].kid).toBe(jwt[0]?.['kid']);
  });

  it('are sealed on the disk', () => {
    for (const file of readdirSync(plane.dataDir)) {
      if (file.endsWith('.sock') || file.endsWith('.lock')) continue;
      expect(readFileSync(`${plane.dataDir}/${file}`).includes('PRIVATE KEY'), file).toBe(false);
    }
  });

  it('are replaced at once after a theft, in JWKS and bundle', async () => {
    const before = (await bundleKeys()).at(-1)?.['kid'];
    const replaced = await hauberk(['token', 'replace-keys', '--data-dir', plane.dataDir]);
    expect(replaced).toMatchObject({ code: 0, stdout: expect.stringContaining('are refused') });
    const { keys } = JSON.parse((await oidc('/openid/v1/jwks')).body);
    expect(keys).toHaveLength(1);
    expect(keys[0].kid).not.toBe(before);
    const deadlineMs = Date.now() + 20_000;
    while ((await bundleKeys()).at(-1)?.['kid'] !== keys[0].kid) {
      expect(Date.now()).toBeLessThan(deadlineMs);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
});
