import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { MeshError } from '../lib/errors.ts';
import { WatchableValue } from '../lib/watchable.ts';
import type { JwtAuthority } from '../spiffe/jwt-authority.ts';
import { signJwtSvid } from '../spiffe/jwt-svid.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import { type AuthenticateToken, tokenReviews } from './authenticate-token.ts';
import { serviceAccountAttestor } from './service-account-attestor.ts';
import { type ServiceAccountTokens, serviceAccountTokens } from './service-account-tokens.ts';

const ISSUER = 'https://mesh.example';
const order = {
  ...{ namespace: 'shop', serviceAccount: 'reviews', audiences: ['istio-ca'] },
  lifetimeMs: 600_000,
};
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let clock: ManualClock;
let uids: Map<string, string>;
let authorities: WatchableValue<readonly JwtAuthority[]>;
let tokens: ServiceAccountTokens;
let review: AuthenticateToken;

beforeEach(() => {
  clock = new ManualClock();
  uids = new Map([['shop/reviews', 'uid-1']]);
  authorities = new WatchableValue<readonly JwtAuthority[]>([{ keyId: 'k', publicKey }]);
  tokens = serviceAccountTokens({
    issuer: ISSUER,
    signer: { authorities, signingKey: async () => ({ keyId: 'k', privateKey }) },
    uidOf: async (namespace, name) => uids.get(`${namespace}/${name}`),
    boundUidOf: async (namespace, { kind, name }) => uids.get(`${kind} ${namespace}/${name}`),
    clock,
    newTokenId: () => 'id-1',
  });
  review = tokenReviews(tokens);
});

const claims = {
  iss: ISSUER,
  sub: 'system:serviceaccount:shop:reviews',
  aud: ['istio-ca'],
  exp: 1_767_226_200,
  'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'reviews', uid: 'uid-1' } },
};

function forged(changes: object, kid = 'k', key = privateKey): Promise<string> {
  return new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: 'ES256', kid }).sign(key);
}

describe('tokens of service accounts', () => {
  it('have the claims that Kubernetes gives them', async () => {
    const { token, id, expiresAtMs } = await tokens.issue(order);
    const [header, body] = token
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
    const nowS = clock.now() / 1_000;
    expect(header).toEqual({ alg: 'ES256', kid: 'k', typ: 'JWT' });
    expect(body).toEqual({
      ...{ ...claims, exp: nowS + 600, iat: nowS, nbf: nowS, jti: 'id-1' },
    });
    expect([id, expiresAtMs]).toEqual(['id-1', clock.now() + 600_000]);
  });

  it('say whose they are, as a TokenReview', async () => {
    const { token } = await tokens.issue({ ...order, audiences: ['a', 'b', ISSUER] });
    expect(await review(token, ['b', 'c'])).toEqual({
      authenticated: true,
      user: {
        username: 'system:serviceaccount:shop:reviews',
        uid: 'uid-1',
        groups: [
          ...['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
        ],
        extra: { 'authentication.kubernetes.io/credential-id': ['JTI=id-1'] },
      },
      audiences: ['b'],
    });
    expect(await review(token, [])).toMatchObject({ audiences: [ISSUER] });
  });

  it('are worth nothing once the account was deleted, or deleted and made again', async () => {
    const { token } = await tokens.issue(order);
    uids.set('shop/reviews', 'uid-2');
    expect(await review(token, ['istio-ca'])).toMatchObject({
      ...{ authenticated: false, error: expect.stringContaining('deleted and made again') },
    });
    uids.clear();
    expect(await review(token, ['istio-ca'])).toMatchObject({ authenticated: false });
  });

  it('are worth nothing once their key is gone', async () => {
    const { token } = await tokens.issue(order);
    authorities.set([]);
    expect(await review(token, ['istio-ca'])).toMatchObject({
      error: expect.stringContaining('which this mesh does not have'),
    });
  });

  it('expire to the second', async () => {
    const { token } = await tokens.issue(order);
    await clock.advance(599_999);
    expect(await review(token, ['istio-ca'])).toMatchObject({ authenticated: true });
    await clock.advance(1);
    expect(await review(token, ['istio-ca'])).toMatchObject({ error: 'the token expired 0ms ago' });
  });

  it.each<[string, object, string]>([
    ['another audience', { audiences: [''] }, 'audiences'],
    ['no audience', { audiences: [] }, 'audiences'],
    ['17 audiences', { audiences: Array.from({ length: 17 }, String) }, 'audiences'],
    ['8 days', { lifetimeMs: 8 * 86_400_000 }, 'no lifetime'],
    ['no time', { lifetimeMs: 0 }, 'no lifetime'],
    ['not a number', { lifetimeMs: Number.NaN }, 'no lifetime'],
    ['an unknown account', { serviceAccount: 'nobody' }, 'does not exist'],
  ])('are not made for %s', async (_, changes, problem) => {
    await expect(tokens.issue({ ...order, ...changes })).rejects.toThrow(problem);
  });

  it.each<[string, () => Promise<string>, string]>([
    ['another issuer', () => forged({ iss: 'https://other' }), 'issuer "https://other"'],
    ['no issuer', () => forged({ iss: undefined }), 'issuer null'],
    ['another audience', () => forged({ aud: ['web'] }), 'is for "web"'],
    ['an unknown key', () => forged({}, 'x'), 'the key "x"'],
    [
      'somebody else as signer',
      () => forged({}, 'k', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
      'not signed by',
    ],
    [
      'another subject than claims',
      () => forged({ sub: 'system:serviceaccount:shop:admin' }),
      'not one of a service account',
    ],
    ['no subject', () => forged({ sub: undefined }), 'not one of a service account'],
    ['no claims of Kubernetes', () => forged({ 'kubernetes.io': undefined }), 'not one of'],
    [
      'a uid that is a list',
      () =>
        forged({
          'kubernetes.io': {
            namespace: 'shop',
            serviceaccount: { name: 'reviews', uid: ['uid-1'] },
          },
        }),
      'not one of',
    ],
    [
      'the subject of a JWT-SVID',
      async () => {
        const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');
        const svid = await signJwtSvid({
          ...{ id, audience: ['istio-ca'], nowMs: clock.now(), lifetimeMs: 60_000 },
          ...{ issuer: ISSUER, tokenId: 'a', signer: { keyId: 'k', privateKey } },
        });
        return svid.token;
      },
      'not one of a service account',
    ],
  ])('are refused with %s', async (_, token, problem) => {
    expect(await review(await token(), ['istio-ca'])).toEqual({
      ...{ authenticated: false, error: expect.stringContaining(problem) },
    });
  });

  it('are refused whatever else somebody writes into them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...Object.keys(claims)), fc.jsonValue()),
        async (changes) => {
          const answer = await review(await forged(changes), ['istio-ca']);
          if (answer.authenticated) {
            expect(answer.user.username).toBe(claims.sub);
            expect(answer.audiences).toEqual(['istio-ca']);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('the attestor of service accounts', () => {
  const attest = (bearer: string | undefined) =>
    serviceAccountAttestor({
      trustDomain: TrustDomain.parse('cluster.local'),
      authenticate: (...question) => tokens.authenticate(...question),
    }).attest({ bearer, chain: [] });

  it('gives the identity of the account, as often as asked', async () => {
    const { token } = await tokens.issue(order);
    for (const key of ['one', 'two']) {
      const caller = await attest(token);
      expect(caller?.id.toString()).toBe('spiffe://cluster.local/ns/shop/sa/reviews');
      await expect(caller?.confirm(key)).resolves.toBeUndefined();
    }
  });

  it('tells the caller nothing, and the audit log what was wrong', async () => {
    const { token } = await tokens.issue({ ...order, audiences: ['web'] });
    const error: unknown = await attest(token).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      ...{ code: 'ERR_UNAUTHENTICATED', message: 'request authenticate failure' },
      cause: { message: 'the token is for "web", not for "istio-ca"' },
    });
    expect(error).toBeInstanceOf(MeshError);
  });

  it.each([undefined, '', 'hbk1.a.b.c'])('leaves %j to others', async (bearer) => {
    expect(await attest(bearer)).toBeUndefined();
  });
});

describe('a token that is bound to an object', () => {
  const bound = { kind: 'Pod', name: 'web-1', uid: 'uid-2' } as const;

  it('names it as Kubernetes does, and is good while that is there', async () => {
    uids.set('Pod shop/web-1', 'uid-2');
    const { token } = await tokens.issue({ ...order, bound });
    expect(await review(token, ['istio-ca'])).toMatchObject({
      authenticated: true,
      user: {
        extra: {
          'authentication.kubernetes.io/pod-name': ['web-1'],
          'authentication.kubernetes.io/pod-uid': ['uid-2'],
        },
      },
    });
    const [, payload = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())['kubernetes.io'].pod).toEqual({
      ...{ name: 'web-1', uid: 'uid-2' },
    });
  });

  it.each([
    ['deleted', undefined],
    ['deleted and made again', 'uid-3'],
  ])('is void when that was %s', async (_, uid) => {
    const { token } = await tokens.issue({ ...order, bound: { ...bound, kind: 'Secret' } });
    if (uid !== undefined) uids.set('Secret shop/web-1', uid);
    expect(await review(token, ['istio-ca'])).toMatchObject({
      authenticated: false,
      error: expect.stringContaining('is bound to the Secret "shop/web-1", which was deleted'),
    });
  });
});
