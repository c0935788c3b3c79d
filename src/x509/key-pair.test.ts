import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bitString, der, objectIdentifier, sequence, unsignedInteger } from './der-writer.ts';
import { checkPublicKey, generateKeyPair, type KeyAlgorithm, keyAlgorithmOf } from './key-pair.ts';
import { checkSpki, exportSpki, importSharedSpki, importSpki, keyIdentifier } from './spki.ts';

const algorithms: readonly KeyAlgorithm[] = ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'];
const refusal = (problem: string): unknown =>
  expect.objectContaining({ code: 'ERR_KEY', message: expect.stringContaining(problem) });

function rsaSpki(modulusBits: number, exponent: number): Uint8Array {
  const modulus = new Uint8Array(Math.ceil(modulusBits / 8)).fill(0xff);
  modulus[0] = 0xff >> (8 * modulus.length - modulusBits);
  const exponentBytes = Buffer.alloc(8);
  exponentBytes.writeBigUInt64BE(BigInt(exponent));
  return sequence(
    sequence(objectIdentifier('1.2.840.113549.1.1.1'), der(5)),
    bitString(sequence(unsignedInteger(modulus), unsignedInteger(exponentBytes))),
  );
}

describe('generateKeyPair', () => {
  it('makes ECDSA P-256 keys unless told otherwise', () => {
    const { publicKey, privateKey } = generateKeyPair();
    expect(publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(createPublicKey(privateKey).equals(publicKey)).toBe(true);
  });

  it.each(algorithms)('makes %s keys that are accepted', (algorithm) => {
    const { publicKey } = generateKeyPair(algorithm);
    expect(() => checkPublicKey(publicKey)).not.toThrow();
    expect(importSpki(exportSpki(publicKey)).equals(publicKey)).toBe(true);
    expect(keyAlgorithmOf(publicKey)).toBe(algorithm);
  });
});

describe('checkPublicKey', () => {
  const publicOf = (keys: { publicKey: KeyObject }): KeyObject => keys.publicKey;

  it.each([
    ['P-521', publicOf(generateKeyPairSync('ec', { namedCurve: 'P-521' })), '1.3.132.0.35'],
    ['secp256k1', publicOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })), '1.3.132.0.10'],
    ['RSA-1024', publicOf(generateKeyPairSync('rsa', { modulusLength: 1024 })), '1024 bits'],
    ['Ed448', publicOf(generateKeyPairSync('ed448')), '1.3.101.113'],
    ['X25519', publicOf(generateKeyPairSync('x25519')), '1.3.101.110'],
    [
      'RSA-PSS',
      publicOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 })),
      '1.2.840.113549.1.1.10',
    ],
    [
      'explicit curve parameters',
      publicOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })),
      'parameters describe',
    ],
  ])('refuses %s', (_, key, problem) => {
    expect(() => checkPublicKey(key)).toThrow(refusal(problem));
  });

  it('refuses a private key', () => {
    expect(() => checkPublicKey(generateKeyPair().privateKey)).toThrow(refusal('private key'));
  });

  it.each([
    [2047, 65_537, '2047 bits'],
    [8193, 65_537, '8193 bits'],
    [16_384, 65_537, '16384 bits'],
    [2048, 1, 'exponent 1'],
    [2048, 65_536, 'exponent 65536'],
    [2048, 2 ** 33 + 1, 'exponent 8589934593'],
  ])('refuses RSA of %d bits with the exponent %d', (bits, exponent, problem) => {
    expect(() => checkSpki(rsaSpki(bits, exponent))).toThrow(refusal(problem));
  });

  it.each([
    [2048, 3],
    [3072, 65_537],
    [8192, 65_537],
  ])('accepts RSA of %d bits with the exponent %d', (bits, exponent) => {
    expect(() => checkSpki(rsaSpki(bits, exponent))).not.toThrow();
  });
});

describe('importSpki', () => {
  it('refuses a point that is not on its curve', () => {
    const spki = exportSpki(generateKeyPair().publicKey).slice();
    spki[60] = (spki[60] ?? 0) ^ 1;
    expect(() => importSpki(spki)).toThrow(expect.objectContaining({ code: 'ERR_KEY' }));
  });

  it('refuses a compressed point', () => {
    const spki = sequence(
      sequence(objectIdentifier('1.2.840.10045.2.1'), objectIdentifier('1.2.840.10045.3.1.7')),
      bitString(new Uint8Array(33).fill(2)),
    );
    expect(() => importSpki(spki)).toThrow(refusal('uncompressed'));
  });

  it.each(['', '3000', '300530030601ff'])('refuses the bytes "%s"', (hex) => {
    expect(() => importSpki(Buffer.from(hex, 'hex'))).toThrow(refusal('malformed'));
  });
});

describe('importSharedSpki', () => {
  it('gives the same key for the same bytes, of the last 128', () => {
    const first = exportSpki(generateKeyPair('ed25519').publicKey);
    const key = importSharedSpki(first);
    expect(importSharedSpki(new Uint8Array(first))).toBe(key);
    for (let i = 0; i < 128; i++)
      importSharedSpki(exportSpki(generateKeyPair('ed25519').publicKey));
    expect(importSharedSpki(first)).not.toBe(key);
    expect(importSharedSpki(first).equals(key)).toBe(true);
  });
});

describe('keyIdentifier', () => {
  it('has 20 bytes and depends on the key only', () => {
    const [one, other] = [generateKeyPair(), generateKeyPair()];
    const id = keyIdentifier(exportSpki(one.publicKey));
    expect(id).toHaveLength(20);
    expect(keyIdentifier(exportSpki(createPublicKey(one.privateKey)))).toEqual(id);
    expect(keyIdentifier(exportSpki(other.publicKey))).not.toEqual(id);
  });
});
