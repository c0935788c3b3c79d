import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createCsr, parseCsr } from './csr.ts';
import { contextConstructed, TAG } from './der-reader.ts';
import { bitString, der, objectIdentifier, sequence } from './der-writer.ts';
import { nameDer } from './distinguished-name.ts';
import { generateKeyPair, type KeyPair } from './key-pair.ts';
import { OID } from './oids.ts';
import { signatureAlgorithmFor, signData } from './signed-data.ts';
import { exportSpki } from './spki.ts';

const keys = generateKeyPair();
const version = (n: number): Uint8Array => der(TAG.integer, Uint8Array.of(n));
const attribute = (oid: string, ...values: Uint8Array[]): Uint8Array =>
  sequence(objectIdentifier(oid), der(TAG.set, ...values));

function rawCsr(parts: {
  version?: Uint8Array;
  attributes?: Uint8Array[];
  keys?: KeyPair;
  spki?: Uint8Array;
}): Uint8Array {
  const own = parts.keys ?? keys;
  const contents = sequence(
    parts.version ?? version(0),
    nameDer([]),
    parts.spki ?? exportSpki(own.publicKey),
    der(contextConstructed(0), ...(parts.attributes ?? [])),
  );
  return signData(contents, keys.privateKey, signatureAlgorithmFor(keys.privateKey));
}

describe('createCsr and parseCsr', () => {
  it.each(['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const)(
    'agree about a request by a %s key',
    (algorithm) => {
      const pair = generateKeyPair(algorithm);
      const names = { uriSans: ['spiffe://td/ns/a/sa/b'], commonName: 'b.a' };
      const csr = parseCsr(createCsr(pair, names));
      expect(csr).toMatchObject({
        subject: 'CN=b.a',
        commonName: 'b.a',
        uriSans: names.uriSans,
        dnsSans: [],
      });
      expect(csr.publicKey.equals(pair.publicKey)).toBe(true);
    },
  );

  it('need no names', () => {
    expect(parseCsr(createCsr(keys))).toMatchObject({
      subject: '',
      commonName: undefined,
      uriSans: [],
    });
  });
});

describe('parseCsr', () => {
  it('passes over attributes that it does not know', () => {
    const challenge = attribute('1.2.840.113549.1.9.7', der(TAG.utf8String, Buffer.from('secret')));
    expect(parseCsr(rawCsr({ attributes: [challenge] })).uriSans).toEqual([]);
  });

  it.each([
    [
      'a request signed by another key',
      rawCsr({ keys: generateKeyPair() }),
      'not signed by the key',
    ],
    ['another version', rawCsr({ version: version(1) }), 'version 2 is not known'],
    [
      'two extension requests',
      rawCsr({
        attributes: Array(2).fill(
          attribute(
            '1.2.840.113549.1.9.14',
            sequence(sequence(objectIdentifier('1.2.3'), der(TAG.octetString))),
          ),
        ),
      }),
      'the extension request is there twice',
    ],
    ['nothing', new Uint8Array(), 'not a signing request'],
    ['more than 16 KiB', new Uint8Array(16_385), '16384 are read'],
    ['bytes after the end', Buffer.concat([createCsr(keys), Buffer.of(0)]), 'bytes after the end'],
  ])('refuses %s', (_, request, problem) => {
    expect(() => parseCsr(request)).toThrow(
      expect.objectContaining({ code: 'ERR_CSR', message: expect.stringContaining(problem) }),
    );
  });

  it('refuses a request whose names were changed after signing', () => {
    const request = Buffer.from(createCsr(keys, { uriSans: ['spiffe://td/ns/a/sa/b'] }));
    request.write('c', request.indexOf('sa/b') + 3);
    expect(() => parseCsr(request)).toThrow(expect.objectContaining({ code: 'ERR_CSR' }));
  });

  it('refuses an RSA key of 16384 bits by its size, before it costs a computation', () => {
    // 16384 bits of modulus are 2 KiB, far within what is read.
    const modulus = der(TAG.integer, Uint8Array.of(0), new Uint8Array(2_048).fill(0xff));
    const key = sequence(modulus, der(TAG.integer, Uint8Array.of(1, 0, 1)));
    const algorithm = sequence(objectIdentifier(OID.rsaEncryption), der(TAG.null));
    const request = rawCsr({ spki: sequence(algorithm, bitString(key)) });
    const startMs = performance.now();
    for (let i = 0; i < 100; i++) {
      expect(() => parseCsr(request)).toThrow(
        expect.objectContaining({ code: 'ERR_KEY', message: expect.stringContaining('16384') }),
      );
    }
    expect(performance.now() - startMs).toBeLessThan(500);
  });

  it('refuses a key that is not accepted', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const request = rawCsr({ keys: { publicKey, privateKey } });
    expect(() => parseCsr(request)).toThrow(expect.objectContaining({ code: 'ERR_KEY' }));
  });
});
