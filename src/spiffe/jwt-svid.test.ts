import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { MeshError } from '../lib/errors.ts';
import { type JwtSvidRequest, signJwtSvid, verifyJwtSvid } from './jwt-svid.ts';
import { SpiffeId } from './spiffe-id.ts';
import { TrustBundle } from './trust-bundle.ts';
import { TrustDomain } from './trust-domain.ts';

const nowMs = Date.UTC(2026, 0, 1);
const nowS = nowMs / 1_000;
const td = TrustDomain.parse('cluster.local');
const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');

const ec = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const keys: Readonly<Record<string, KeyObject>> = {
  ES256: ec('P-256'),
  ES384: ec('P-384'),
  ES512: ec('P-521'),
  ...Object.fromEntries(
    ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) => [alg, rsa]),
  ),
};
const bundle = TrustBundle.of(td, [], {
  jwtAuthorities: Object.entries(keys).map(([keyId, key]) => ({
    keyId,
    publicKey: createPublicKey(key),
  })),
});
const bundles = (trustDomain: TrustDomain): TrustBundle | undefined =>
  trustDomain.equals(td) ? bundle : undefined;
const claims = { sub: id.toString(), aud: ['web'], exp: nowS + 300, iat: nowS };

/** A token as somebody else would make it, with whatever is wrong. */
function foreign(
  changes: { header?: object; claims?: object; key?: KeyObject; alg?: string } = {},
): Promise<string> {
  const { alg = 'ES256', key = keys[alg] as KeyObject } = changes;
  return new SignJWT({ ...claims, ...changes.claims })
    .setProtectedHeader({ alg, kid: alg, ...changes.header })
    .sign(key);
}

const base64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token whose parts are any text, signed as ES256 all the same. */
function raw(header: unknown, body: unknown): string {
  const text = `${base64(header)}.${base64(body)}`;
  const key = { key: keys['ES256'] as KeyObject, dsaEncoding: 'ieee-p1363' } as const;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

const verify = (token: string, audiences = ['web'], atMs = nowMs) =>
  verifyJwtSvid({ token, audiences, bundles, nowMs: atMs });

const request: JwtSvidRequest = {
  ...{ id, audience: ['web'], nowMs, lifetimeMs: 300_000, tokenId: 'a' },
  signer: { keyId: 'ES256', privateKey: keys['ES256'] as KeyObject },
};

describe('signJwtSvid', () => {
  it.each(['ES256', 'ES384', 'ES512', 'RS256'])('signs as %s what it then accepts', async (alg) => {
    const signer = { keyId: alg, privateKey: keys[alg] as KeyObject };
    const { token } = await signJwtSvid({ ...request, signer, issuer: 'https://mesh' });
    expect(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())).toEqual({
      ...{ alg, kid: alg, typ: 'JWT' },
    });
    expect(await verify(token)).toEqual({
      ...{ id, audience: ['web'], expiresAtMs: nowMs + 300_000, token },
      claims: { ...claims, iss: 'https://mesh', jti: 'a' },
    });
  });

  it('makes tokens that another library accepts by the published keys', async () => {
    const { token } = await signJwtSvid(request);
    const { keys: entries } = JSON.parse(bundle.toJwks()) as { keys: { use?: string }[] };
    const jwks = createLocalJWKSet({ keys: entries.map(({ use: _, ...key }) => key) as never });
    const { payload } = await jwtVerify(token, jwks, {
      ...{ audience: 'web', subject: id.toString(), currentDate: new Date(nowMs) },
    });
    expect(payload.exp).toBe(nowS + 300);
  });

  it('never lives longer than asked', async () => {
    const svid = await signJwtSvid({ ...request, nowMs: nowMs + 999, lifetimeMs: 1_500 });
    expect(svid.expiresAtMs).toBe(nowMs + 2_000);
  });
});

describe('verifyJwtSvid', () => {
  it.each(Object.keys(keys))('accepts %s', async (alg) => {
    expect((await verify(await foreign({ alg }))).id.equals(id)).toBe(true);
  });

  it.each(['JWT', 'JOSE'])('accepts the type %s', async (typ) => {
    await expect(verify(await foreign({ header: { typ } }))).resolves.toMatchObject({ id });
  });

  it('takes one text as audience, and one of several', async () => {
    expect((await verify(await foreign({ claims: { aud: 'web' } }))).audience).toEqual(['web']);
    const several = await foreign({ claims: { aud: ['db', 'web'] } });
    expect((await verify(several, ['other', 'db'])).audience).toEqual(['db', 'web']);
  });

  it('accepts up to the last millisecond', async () => {
    const token = await foreign();
    await expect(verify(token, ['web'], nowMs + 299_999)).resolves.toBeDefined();
    await expect(verify(token, ['web'], nowMs + 300_000)).rejects.toThrow('expired 0ms ago');
  });

  it.each<[string, () => string | Promise<string>, RegExp]>([
    ['another audience', () => foreign({ claims: { aud: ['db'] } }), /is for "db", not for "web"/],
    ['no audience', () => foreign({ claims: { aud: undefined } }), /no "aud"/],
    ['an empty audience', () => foreign({ claims: { aud: [] } }), /no "aud"/],
    [
      'an audience that is a number',
      () => raw({ alg: 'ES256', kid: 'ES256' }, { ...claims, aud: [1] }),
      /no "aud"/,
    ],
    ['no expiry', () => foreign({ claims: { exp: undefined } }), /no "exp"/],
    [
      'an expiry in words',
      () => raw({ alg: 'ES256', kid: 'ES256' }, { ...claims, exp: 'soon' }),
      /"exp" that is no time/,
    ],
    [
      'an expiry beyond all times',
      () => raw({ alg: 'ES256', kid: 'ES256' }, { ...claims, exp: 1e300 }),
      /"exp" that is no time/,
    ],
    ['a time to come', () => foreign({ claims: { nbf: nowS + 61 } }), /its "nbf" is 1m1s ahead/],
    [
      'an issue time to come',
      () => foreign({ claims: { iat: nowS + 61 } }),
      /its "iat" is 1m1s ahead/,
    ],
    ['no subject', () => foreign({ claims: { sub: undefined } }), /no "sub"/],
    [
      'a subject that is no SPIFFE ID',
      () => foreign({ claims: { sub: 'reviews' } }),
      /"sub" that cannot be: "reviews"/,
    ],
    [
      'another trust domain',
      () => foreign({ claims: { sub: 'spiffe://other/x' } }),
      /trust domain "other", of which there is no bundle/,
    ],
    ['no kid', () => foreign({ header: { kid: undefined } }), /no "kid"/],
    [
      'an unknown kid',
      () => foreign({ header: { kid: 'x' } }),
      /key "x", which the bundle of "cluster.local" does not have/,
    ],
    ['the key of somebody else', () => foreign({ key: ec('P-256') }), /not signed by the key/],
    ['a key of another kind', () => foreign({ header: { kid: 'RS256' } }), /not signed by the key/],
    ['the type at+jwt', () => foreign({ header: { typ: 'at+jwt' } }), /type "at\+jwt"/],
    ['the type jwt in small letters', () => foreign({ header: { typ: 'jwt' } }), /type "jwt"/],
    ['a further header', () => foreign({ header: { x5u: 'https://evil' } }), /the header "x5u"/],
    ['an embedded key', () => foreign({ header: { jwk: {} } }), /the header "jwk"/],
    [
      'a critical extension',
      () => raw({ alg: 'ES256', kid: 'ES256', crit: ['exp'] }, claims),
      /extensions/,
    ],
    ['no algorithm', () => raw({ kid: 'ES256' }, claims), /the algorithm none/],
    [
      'the algorithm none',
      () => `${base64({ alg: 'none', kid: 'ES256' })}.${base64(claims)}.AA`,
      /algorithm "none"/,
    ],
    ['HS256', () => raw({ alg: 'HS256', kid: 'ES256' }, claims), /algorithm "HS256"/],
    ['EdDSA', () => raw({ alg: 'EdDSA', kid: 'ES256' }, claims), /algorithm "EdDSA"/],
    [
      'two subjects',
      () => raw({ alg: 'ES256', kid: 'ES256' }, `{"sub":"a","sub":"b"}`),
      /key "sub" twice/,
    ],
    ['two algorithms', () => raw('{"alg":"ES256","alg":"ES256"}', claims), /key "alg" twice/],
    [
      'claims that are an array',
      () => raw({ alg: 'ES256', kid: 'ES256' }, '[]'),
      /not a JSON object/,
    ],
    ['claims that are no JSON', () => raw({ alg: 'ES256', kid: 'ES256' }, '{'), /not JSON/],
    [
      'JSON form',
      () => JSON.stringify({ payload: base64(claims), signatures: [] }),
      /compact form/,
    ],
    ['four parts', async () => `${await foreign()}.AA`, /compact form/],
    ['padding', async () => `${await foreign()}=`, /compact form/],
    ['no signature', async () => (await foreign()).replace(/[^.]+$/, ''), /compact form/],
    ['no text', () => '', /compact form/],
    ['16 KiB and one', () => `${'A'.repeat(16_385)}`, /more than 16384 characters/],
  ])('refuses %s', async (_, token, problem) => {
    const refused = verify(await token());
    await expect(refused).rejects.toMatchObject({ code: 'ERR_JWT' });
    await expect(refused).rejects.toThrow(problem);
  });

  it('refuses a token whose bytes were changed anywhere', async () => {
    const token = await foreign();
    const other = fc.constantFrom(...'ABCZaz059-_.=');
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), other, async (at, letter) => {
        fc.pre(token[at] !== letter);
        await expect(verify(token.slice(0, at) + letter + token.slice(at + 1))).rejects.toThrow();
      }),
      { numRuns: 300 },
    );
  });

  it('takes one spelling of a signature only', async () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const token = await foreign();
    const last = letters.indexOf(token.at(-1) ?? '');
    // Of the last letter only the upper bits count.
    const twin = token.slice(0, -1) + letters[last ^ 1];
    await expect(verify(twin)).rejects.toThrow('a signature that is not base64url');
  });

  it('throws only MeshErrors on anything, without quoting the token', async () => {
    const json = fc.json().map((value) => base64(value));
    const part = fc.oneof(json, fc.string().map(base64), fc.string({ maxLength: 20 }));
    const parts = fc.array(part, { minLength: 1, maxLength: 4 }).map((list) => list.join('.'));
    await fc.assert(
      fc.asyncProperty(parts, async (token) => {
        const error = await verify(token).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(MeshError);
        if (token.length > 20) expect((error as MeshError).message).not.toContain(token);
      }),
      { numRuns: 500 },
    );
  });
});
