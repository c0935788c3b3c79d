import { createHash, X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import {
  type RawCertificate,
  rawCertificate,
  rawExtension,
  rawExtensions,
  rawValidity,
} from '../../test/kit/raw-certificate.ts';
import { testAuthority } from '../../test/kit/test-authority.ts';
import {
  acceptedSignatureAlgorithm,
  fingerprint,
  isSignedBy,
  parseCertificate,
} from './certificate.ts';
import { contextConstructed, contextTag, TAG } from './der-reader.ts';
import { booleanTrue, der, namedBits, objectIdentifier, sequence } from './der-writer.ts';
import { generateKeyPair } from './key-pair.ts';
import { exportSpki } from './spki.ts';

const integer = (hex: string): Uint8Array => der(TAG.integer, Buffer.from(hex, 'hex'));
const version = (n: number): Uint8Array =>
  der(contextConstructed(0), der(TAG.integer, Uint8Array.of(n)));
const basicConstraints = (...parts: Uint8Array[]): Uint8Array =>
  rawExtensions(rawExtension('2.5.29.19', sequence(...parts), true));
const keyUsage = rawExtension('2.5.29.15', namedBits([0]), true);

describe('parseCertificate', () => {
  it('reads every field of a leaf', () => {
    const nowMs = Date.UTC(2026, 5, 1, 12);
    const authority = testAuthority({ nowMs });
    const { chain } = authority.issue('spiffe://cluster.local/ns/shop/sa/reviews', {
      serial: Uint8Array.of(0, 0xab, 0xcd),
      dnsSans: ['reviews.shop'],
      ipSans: ['10.0.0.1', '::1'],
    });
    const leaf = chain[0];
    expect(leaf).toMatchObject({
      serial: 'abcd',
      subject: '',
      issuer: authority.intermediate.subject,
      notBeforeMs: nowMs - 120_000,
      notAfterMs: nowMs + 86_400_000,
      isCa: false,
      pathLength: undefined,
      keyUsage: new Set(['digitalSignature', 'keyEncipherment']),
      extendedKeyUsage: new Set(['serverAuth', 'clientAuth']),
      uriSans: ['spiffe://cluster.local/ns/shop/sa/reviews'],
      dnsSans: ['reviews.shop'],
      ipSans: ['10.0.0.1', '::1'],
      authorityKeyId: authority.intermediate.subjectKeyId,
      unknownCritical: [],
    });
    expect(leaf?.subjectKeyId).toMatch(/^[0-9a-f]{40}$/);
    expect(leaf?.issuerDer).toEqual(authority.intermediate.subjectDer);
  });

  it('keeps its bytes when the caller uses its buffer again', () => {
    const buffer = Buffer.from(rawCertificate());
    const parsed = parseCertificate(buffer);
    const before = fingerprint(parsed);
    buffer.fill(0);
    expect(fingerprint(parsed)).toBe(before);
    expect(parsed.publicKey.asymmetricKeyType).toBe('ec');
  });

  it('reads a version 1 certificate, which is no CA', () => {
    const parsed = parseCertificate(rawCertificate({ version: new Uint8Array() }));
    expect(parsed).toMatchObject({ isCa: false, keyUsage: undefined, uriSans: [] });
  });

  it('reads key usages beyond the first byte and purposes without a name', () => {
    const parsed = parseCertificate(
      rawCertificate({
        extensions: rawExtensions(
          rawExtension('2.5.29.15', namedBits([4, 8]), true),
          rawExtension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.9'))),
        ),
      }),
    );
    expect(parsed.keyUsage).toEqual(new Set(['keyAgreement', 'decipherOnly']));
    expect(parsed.extendedKeyUsage).toEqual(new Set(['1.3.6.1.5.5.7.3.9']));
  });

  it('reads CA:true with a path length, and an explicit CA:false', () => {
    const ca = basicConstraints(booleanTrue, integer('02'));
    expect(parseCertificate(rawCertificate({ extensions: ca }))).toMatchObject({
      isCa: true,
      pathLength: 2,
    });
    const leaf = basicConstraints(der(TAG.boolean, Uint8Array.of(0)));
    expect(parseCertificate(rawCertificate({ extensions: leaf })).isCa).toBe(false);
  });

  it('names critical extensions that it does not know, and passes over others', () => {
    const parsed = parseCertificate(
      rawCertificate({
        extensions: rawExtensions(
          rawExtension('2.5.29.30', sequence(), true),
          rawExtension('1.2.3.4', Buffer.from('anything')),
          rawExtension('1.2.3.5', Buffer.from('anything'), true),
        ),
      }),
    );
    expect(parsed.unknownCritical).toEqual(['2.5.29.30', '1.2.3.5']);
  });

  it.each<[string, RawCertificate, string]>([
    ['a negative serial', { serial: integer('ff') }, 'the serial number is negative'],
    ['a serial of zero', { serial: integer('00') }, 'the serial number is zero'],
    ['a serial of 21 bytes', { serial: integer(`7f${'00'.repeat(20)}`) }, 'more than 20 bytes'],
    ['a padded serial', { serial: integer('0001') }, 'longer than it must be'],
    ['version 4', { version: version(3) }, 'version 4 is not known'],
    [
      'an explicit version 1 with extensions',
      { version: version(0), extensions: rawExtensions(keyUsage) },
      'extensions without version 3',
    ],
    [
      'an end before the beginning',
      { validity: rawValidity('260102000000Z', '260101235959Z') },
      'ends before it begins',
    ],
    [
      'a time that is none',
      { validity: rawValidity('260132000000Z', '270101000000Z') },
      'not a time',
    ],
    [
      'another algorithm inside',
      { algorithm: sequence(objectIdentifier('1.2.3')) },
      'not the one that is signed',
    ],
    [
      'an extension twice',
      { extensions: rawExtensions(keyUsage, keyUsage) },
      'the extension 2.5.29.15 is there twice',
    ],
    [
      'an unknown extension twice',
      {
        extensions: rawExtensions(
          rawExtension('1.2.3', integer('01')),
          rawExtension('1.2.3', integer('01')),
        ),
      },
      'the extension 1.2.3 is there twice',
    ],
    ['no extension in the list', { extensions: rawExtensions() }, 'should begin'],
    [
      'a path length without CA:true',
      { extensions: basicConstraints(integer('01')) },
      'path length without CA:true',
    ],
    [
      'a negative path length',
      { extensions: basicConstraints(booleanTrue, integer('ff')) },
      'negative',
    ],
    [
      'bytes after an extension value',
      {
        extensions: rawExtensions(
          rawExtension('2.5.29.15', Buffer.concat([namedBits([0]), Buffer.from([5, 0])])),
        ),
      },
      'too many',
    ],
    [
      'an empty extended key usage',
      { extensions: rawExtensions(rawExtension('2.5.29.37', sequence())) },
      'should begin',
    ],
    ['a name that is no name', { subject: integer('01') }, 'tag 0x02'],
    [
      'something after the extensions',
      { extensions: Buffer.concat([rawExtensions(keyUsage), integer('01')]) },
      'too many',
    ],
  ])('refuses %s', (_, parts, problem) => {
    expect(() => parseCertificate(rawCertificate(parts))).toThrow(
      expect.objectContaining({ code: 'ERR_DER', message: expect.stringContaining(problem) }),
    );
  });

  it('refuses a key that is not accepted', () => {
    const spki = sequence(
      sequence(objectIdentifier('1.2.3')),
      der(TAG.bitString, Uint8Array.of(0)),
    );
    expect(() => parseCertificate(rawCertificate({ spki }))).toThrow(
      expect.objectContaining({ code: 'ERR_KEY' }),
    );
  });

  it('takes a point off its curve until the key is used', () => {
    const spki = exportSpki(generateKeyPair().publicKey).slice();
    spki[80] = (spki[80] ?? 0) ^ 1;
    const parsed = parseCertificate(rawCertificate({ spki }));
    expect(() => parsed.publicKey).toThrow(expect.objectContaining({ code: 'ERR_KEY' }));
  });

  it('passes over the obsolete unique identifiers', () => {
    const uniqueIds = [1, 2].map((n) => der(contextTag(n), Uint8Array.of(0, 1)));
    const extensions = Buffer.concat([...uniqueIds, rawExtensions(keyUsage)]);
    expect(parseCertificate(rawCertificate({ extensions })).keyUsage?.size).toBe(1);
  });

  it('reads at most 64 KiB', () => {
    expect(() => parseCertificate(new Uint8Array(65_537))).toThrow('65536 are read');
  });

  it('refuses bytes after the certificate', () => {
    expect(() => parseCertificate(Buffer.concat([rawCertificate(), Buffer.of(0)]))).toThrow(
      'bytes after the end',
    );
  });
});

describe('the roots that node brings with it', () => {
  const roots = rootCertificates.map((pem) => new X509Certificate(pem));
  const refusedByRule = roots.filter(
    ({ serialNumber, publicKey }) =>
      /^0*$/.test(serialNumber) || publicKey.asymmetricKeyDetails?.namedCurve === 'secp521r1',
  );

  it('are read as node:crypto reads them', () => {
    const accepted = roots.filter((root) => !refusedByRule.includes(root));
    expect(accepted.length).toBeGreaterThan(80);
    for (const root of accepted) {
      const parsed = parseCertificate(root.raw);
      expect(parsed).toMatchObject({
        serial: root.serialNumber.toLowerCase(),
        notBeforeMs: Date.parse(root.validFrom),
        notAfterMs: Date.parse(root.validTo),
        isCa: root.ca,
      });
      expect(parsed.publicKey.equals(root.publicKey)).toBe(true);
      expect(fingerprint(parsed)).toBe(root.fingerprint256.replaceAll(':', '').toLowerCase());
      const modern = acceptedSignatureAlgorithm(parsed) !== undefined;
      expect(isSignedBy(parsed, parsed.publicKey)).toBe(modern);
    }
  });

  it('are refused when their serial is zero or their curve P-521', () => {
    for (const { raw } of refusedByRule) {
      expect(() => parseCertificate(raw)).toThrow(/serial number is zero|curve 1\.3\.132\.0\.35/);
    }
  });
});

describe('isSignedBy', () => {
  it.each(['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const)(
    'tells the %s key that signed from others',
    (algorithm) => {
      const signer = generateKeyPair(algorithm);
      const parsed = parseCertificate(rawCertificate({ signer }));
      expect(isSignedBy(parsed, signer.publicKey)).toBe(true);
      expect(isSignedBy(parsed, generateKeyPair(algorithm).publicKey)).toBe(false);
      expect(isSignedBy(parsed, generateKeyPair().publicKey)).toBe(false);
    },
  );

  it('is false for an algorithm that is not accepted', () => {
    const der = Buffer.from(rawCertificate());
    const ecdsaWithSha256 = Buffer.from('2a8648ce3d040302', 'hex');
    for (let at = der.indexOf(ecdsaWithSha256); at !== -1; at = der.indexOf(ecdsaWithSha256)) {
      // ecdsa-with-SHA224, inside and outside.
      Buffer.from('2a8648ce3d040301', 'hex').copy(der, at);
    }
    const parsed = parseCertificate(der);
    expect(acceptedSignatureAlgorithm(parsed)).toBeUndefined();
    expect(isSignedBy(parsed, generateKeyPair().publicKey)).toBe(false);
  });
});

describe('fingerprint', () => {
  it('is the SHA-256 of the DER', () => {
    const der = rawCertificate();
    expect(fingerprint(parseCertificate(der))).toBe(createHash('sha256').update(der).digest('hex'));
  });
});
