import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testAuthority } from '../../test/kit/test-authority.ts';
import { MeshError } from '../lib/errors.ts';
import { generateKeyPair } from '../x509/key-pair.ts';
import { encodePem } from '../x509/pem.ts';
import { TrustBundle } from './trust-bundle.ts';
import { TrustDomain } from './trust-domain.ts';

const td = TrustDomain.parse('cluster.local');
const [one, two] = [testAuthority(), testAuthority({ algorithm: 'rsa-2048' })];
const roots = [one.root, two.root, testAuthority({ algorithm: 'ed25519' }).root];
const x5c = (der: Uint8Array): string[] => [Buffer.from(der).toString('base64')];
const parse = (value: unknown): TrustBundle => TrustBundle.parseJwks(td, JSON.stringify(value));
const ders = (bundle: TrustBundle): Uint8Array[] => bundle.x509Authorities.map(({ der }) => der);
const jwtKeys = [
  { keyId: 'one', publicKey: generateKeyPair('ecdsa-p384').publicKey },
  { keyId: 'two', publicKey: generateKeyPair('rsa-2048').publicKey },
];
const jwk = {
  use: 'jwt-svid',
  kid: 'one',
  ...generateKeyPair().publicKey.export({ format: 'jwk' }),
};
const refusal = (code: string, problem: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(problem) });

describe('TrustBundle as JWKS', () => {
  it('comes back as it was', () => {
    const bundle = TrustBundle.of(td, roots, { sequence: 7, refreshHintMs: 60_000 });
    const again = TrustBundle.parseJwks(td, bundle.toJwks());
    expect(ders(again)).toEqual(ders(bundle));
    expect(again).toMatchObject({ sequence: 7, refreshHintMs: 60_000 });
  });

  it('has use, key parameters and exactly one x5c in each key, and no kid', () => {
    const { keys, ...rest } = JSON.parse(TrustBundle.of(td, roots, { sequence: 2 }).toJwks());
    expect(rest).toEqual({ spiffe_sequence: 2 });
    expect(keys).toEqual([
      {
        use: 'x509-svid',
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
        x5c: x5c(one.root.der),
      },
      { use: 'x509-svid', kty: 'RSA', n: expect.any(String), e: 'AQAB', x5c: x5c(two.root.der) },
      {
        use: 'x509-svid',
        kty: 'OKP',
        crv: 'Ed25519',
        x: expect.any(String),
        x5c: [expect.any(String)],
      },
    ]);
  });

  it('has the JWT keys behind the certificates, each with use and kid', () => {
    const bundle = TrustBundle.of(td, [one.root], { jwtAuthorities: jwtKeys });
    const { keys } = JSON.parse(bundle.toJwks());
    expect(keys.slice(1)).toEqual([
      expect.objectContaining({ use: 'jwt-svid', kid: 'one', kty: 'EC', crv: 'P-384' }),
      expect.objectContaining({ use: 'jwt-svid', kid: 'two', kty: 'RSA', e: 'AQAB' }),
    ]);
    const again = TrustBundle.parseJwks(td, bundle.toJwks());
    expect(again.jwtAuthorities.map(({ keyId }) => keyId)).toEqual(['one', 'two']);
    expect(again.jwtKey('two')?.equals(jwtKeys[1]?.publicKey as never)).toBe(true);
    expect(again.jwtKey('three')).toBeUndefined();
    expect(ders(again)).toEqual([one.root.der]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['no kid', { ...jwk, kid: undefined }, 'without a "kid"'],
    ['an empty kid', { ...jwk, kid: '' }, 'without a "kid"'],
    ['a kid that is a number', { ...jwk, kid: 1 }, 'without a "kid"'],
    ['a kid of 257 characters', { ...jwk, kid: 'k'.repeat(257) }, 'without a "kid"'],
    ['a point that is not on the curve', { ...jwk, x: 'AAAA' }, '"one" that is no key'],
    ['no parameters', { ...jwk, x: undefined }, '"one" that is no key'],
    ['its private key', { ...jwk, d: 'AAAA' }, 'private key of "one" in it'],
  ])('refuses a JWT key with %s', (_, entry, problem) => {
    expect(() => parse({ keys: [entry] })).toThrow(refusal('ERR_SVID', problem));
  });

  it('refuses two JWT keys with one kid, and more than 64', () => {
    expect(() => parse({ keys: [jwk, jwk] })).toThrow(refusal('ERR_SVID', 'two JWT keys'));
    const many = Array.from({ length: 65 }, (_, i) => ({ ...jwk, kid: String(i) }));
    expect(() => parse({ keys: many })).toThrow(refusal('ERR_SVID', '65 JWT keys'));
  });

  it('rounds the refresh hint up to whole seconds', () => {
    const text = TrustBundle.of(td, [], { refreshHintMs: 1_001 }).toJwks();
    expect(JSON.parse(text)).toMatchObject({ keys: [], spiffe_refresh_hint: 2 });
  });

  it('takes an empty list of keys as all revoked, and no sequence as 0', () => {
    expect(parse({ keys: [] })).toMatchObject({
      x509Authorities: [],
      sequence: 0,
      refreshHintMs: undefined,
    });
  });

  it('passes over parameters and entries that it does not know', () => {
    const good = { kty: 'EC', use: 'x509-svid', x5c: x5c(one.root.der), alg: 'ES256' };
    const bundle = parse({
      comment: { any: ['thing'] },
      keys: [
        { kty: 'OKP', use: 'jwt-svid', kid: 'a', crv: 'Ed25519', x: 'A'.repeat(43) },
        { kty: 'EC', use: 'jwt-svid', kid: 'b', crv: 'secp256k1', x: 'AA', y: 'AA' },
        { kty: 'oct', use: 'jwt-svid', kid: 'c', k: 'AA' },
        { kty: 'EC', use: 'wit-svid', kid: 'b' },
        { ...good, use: 'X509-SVID', x5c: x5c(two.root.der) },
        { ...good, use: undefined, x5c: x5c(two.root.der) },
        { ...good, kty: 'quantum', x5c: x5c(two.root.der) },
        { ...good, x5c: undefined },
        { ...good, x5c: [] },
        'nonsense',
        null,
        good,
      ],
    });
    expect(ders(bundle)).toEqual([one.root.der]);
    expect(bundle.jwtAuthorities).toEqual([]);
  });

  it('takes the first of several x5c', () => {
    const entry = { kty: 'EC', use: 'x509-svid', x5c: [...x5c(one.root.der), 'anything'] };
    expect(ders(parse({ keys: [entry] }))).toEqual([one.root.der]);
  });

  it.each([
    ['no JSON', '{', 'ERR_SVID', 'is not JSON'],
    ['an array', '[]', 'ERR_SVID', 'is not a JSON object'],
    ['null', 'null', 'ERR_SVID', 'is not a JSON object'],
    ['no keys', '{}', 'ERR_SVID', 'has no array "keys"'],
    ['an error page', '{"error":"not found"}', 'ERR_SVID', 'has no array "keys"'],
    ['keys that are no array', '{"keys":{}}', 'ERR_SVID', 'has no array "keys"'],
    ['two keys members', '{"keys":[],"keys":[]}', 'ERR_SVID', 'has the key "keys" twice'],
    [
      'two equal members in an entry',
      '{"keys":[{"use":"a","\\u0075se":"b"}]}',
      'ERR_SVID',
      'twice in one object',
    ],
    ['a negative sequence', '{"keys":[],"spiffe_sequence":-1}', 'ERR_SVID', 'spiffe_sequence -1'],
    ['a sequence as text', '{"keys":[],"spiffe_sequence":"1"}', 'ERR_SVID', 'spiffe_sequence "1"'],
    [
      'half a second',
      '{"keys":[],"spiffe_refresh_hint":0.5}',
      'ERR_SVID',
      'spiffe_refresh_hint 0.5',
    ],
    [
      'deep nesting',
      `{"keys":[],"x":${'['.repeat(40)}${']'.repeat(40)}}`,
      'ERR_SVID',
      'deeper than 32',
    ],
    [
      'x5c in base64url',
      '{"keys":[{"kty":"EC","use":"x509-svid","x5c":["_-8="]}]}',
      'ERR_SVID',
      'not base64',
    ],
    [
      'x5c that is a number',
      '{"keys":[{"kty":"EC","use":"x509-svid","x5c":[1]}]}',
      'ERR_SVID',
      'not base64',
    ],
    [
      'x5c that is no certificate',
      '{"keys":[{"kty":"EC","use":"x509-svid","x5c":["AAAA"]}]}',
      'ERR_DER',
      'not a certificate',
    ],
    ['more than 1 MiB', ' '.repeat(1_048_577), 'ERR_SVID', '1048576 characters'],
  ])('refuses %s', (_, text, code, problem) => {
    expect(() => TrustBundle.parseJwks(td, text)).toThrow(refusal(code, problem));
  });

  it('allows one key in several objects, and text that looks like keys', () => {
    const text = '{"a":{"b":1},"c":{"b":"b\\":1,\\"b"},"d":["b","b"],"keys":[]}';
    expect(TrustBundle.parseJwks(td, text).x509Authorities).toEqual([]);
  });

  it('finds a repeated key wherever JSON allows one', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.string(), (inner, key) => {
        const quoted = JSON.stringify(key);
        expect(() =>
          TrustBundle.parseJwks(td, `{"keys":[],"x":[{${quoted}: ${inner} ,${quoted} :1}]}`),
        ).toThrow(refusal('ERR_SVID', 'twice in one object'));
      }),
    );
  });

  it('throws only MeshErrors on anything', () => {
    const good = TrustBundle.of(td, [one.root], { sequence: 1, refreshHintMs: 1_000 }).toJwks();
    const changed = fc
      .tuple(fc.nat(good.length), fc.nat(5), fc.string({ maxLength: 3 }))
      .map(([at, cut, text]) => good.slice(0, at) + text + good.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), changed), (text) => {
        try {
          TrustBundle.parseJwks(td, text);
        } catch (error) {
          expect(error).toBeInstanceOf(MeshError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('TrustBundle as PEM', () => {
  it('comes back as it was', () => {
    const bundle = TrustBundle.of(td, roots);
    expect(ders(TrustBundle.parsePem(td, bundle.toPem()))).toEqual(ders(bundle));
  });

  it('is empty without authorities, and not read without any', () => {
    expect(TrustBundle.of(td, []).toPem()).toBe('');
    expect(() => TrustBundle.parsePem(td, '')).toThrow(refusal('ERR_DER', 'no PEM block'));
  });
});

describe('TrustBundle.of', () => {
  it('takes an authority once', () => {
    const pem = encodePem('CERTIFICATE', one.root.der).repeat(2);
    expect(TrustBundle.parsePem(td, pem).x509Authorities).toHaveLength(1);
  });

  it('refuses a leaf as authority', () => {
    const { chain } = one.issue('spiffe://cluster.local/ns/a/sa/b');
    expect(() => TrustBundle.of(td, chain)).toThrow(refusal('ERR_SVID', 'is not CA:true'));
  });

  it('refuses more than 64 authorities', () => {
    const many = Array.from({ length: 65 }, (_, i) => ({
      ...one.root,
      der: Uint8Array.of(...one.root.der, i),
    }));
    expect(() => TrustBundle.of(td, many)).toThrow(refusal('ERR_SVID', '65 authorities'));
  });
});
