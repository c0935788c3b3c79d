import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildCertificate, type CertificateTemplate } from './build-certificate.ts';
import { fingerprint, isSignedBy, parseCertificate } from './certificate.ts';
import { KEY_USAGES } from './extensions.ts';
import { generateKeyPair, type KeyAlgorithm } from './key-pair.ts';

const keys = generateKeyPair();
const template: CertificateTemplate = {
  serial: Uint8Array.of(1),
  subject: [{ type: 'CN', value: 'root' }],
  notBeforeMs: Date.UTC(2026, 0, 1),
  notAfterMs: Date.UTC(2036, 0, 1),
  publicKey: keys.publicKey,
  isCa: true,
  keyUsage: ['keyCertSign', 'cRLSign'],
};
const self = { certificate: undefined, privateKey: keys.privateKey };

describe('buildCertificate', () => {
  it('signs its own certificate when there is no issuer', () => {
    const root = buildCertificate(template, self);
    expect(root).toMatchObject({ subject: 'CN=root', issuer: 'CN=root', isCa: true });
    expect(root.authorityKeyId).toBe(root.subjectKeyId);
    expect(isSignedBy(root, keys.publicKey)).toBe(true);
  });

  it.each<KeyAlgorithm>(['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'])(
    'signs with %s what node:crypto accepts',
    (algorithm) => {
      const signer = generateKeyPair(algorithm);
      const certificate = buildCertificate(template, {
        certificate: buildCertificate(
          { ...template, publicKey: signer.publicKey },
          { certificate: undefined, privateKey: signer.privateKey },
        ),
        privateKey: signer.privateKey,
      });
      expect(new X509Certificate(certificate.der).verify(signer.publicKey)).toBe(true);
    },
  );

  it('marks alternative names critical only without a subject', () => {
    const critical = (subject: CertificateTemplate['subject']): boolean => {
      const { der } = buildCertificate(
        { ...template, isCa: false, subject, uriSans: ['spiffe://td/x'] },
        self,
      );
      // OID 2.5.29.17, BOOLEAN TRUE.
      return Buffer.from(der).includes(Buffer.from('0603551d110101ff', 'hex'));
    };
    expect(critical([])).toBe(true);
    expect(critical([{ type: 'CN', value: 'x' }])).toBe(false);
  });

  it('reads back what was asked for', () => {
    const day = 86_400_000;
    const visible = fc.stringMatching(/^[\x21-\x7e]{1,40}$/);
    const templates = fc.record({
      serial: fc
        .uint8Array({ minLength: 1, maxLength: 19 })
        .filter((bytes) => bytes.some((byte) => byte !== 0)),
      notBeforeMs: fc.integer({ min: Date.UTC(1950, 0, 1), max: Date.UTC(2100, 0, 1) }),
      lifetimeMs: fc.integer({ min: 0, max: 20_000 * day }),
      isCa: fc.boolean(),
      pathLength: fc.option(fc.integer({ min: 0, max: 99 }), { nil: undefined }),
      keyUsage: fc.uniqueArray(fc.constantFrom(...KEY_USAGES), { minLength: 1 }),
      extendedKeyUsage: fc.subarray(['serverAuth', 'clientAuth'] as const),
      uriSans: fc.array(visible, { maxLength: 3 }),
      dnsSans: fc.array(visible, { maxLength: 3 }),
      ipSans: fc.array(fc.ipV4(), { maxLength: 2 }),
    });
    const floor = (ms: number): number => Math.floor(ms / 1_000) * 1_000;
    fc.assert(
      fc.property(templates, ({ lifetimeMs, pathLength, ...asked }) => {
        const notAfterMs = asked.notBeforeMs + lifetimeMs;
        const withLength = asked.isCa && pathLength !== undefined ? { pathLength } : {};
        const built = buildCertificate({ ...template, ...asked, ...withLength, notAfterMs }, self);
        expect(built).toMatchObject({
          serial: Buffer.from(asked.serial)
            .toString('hex')
            .replace(/^(?:00)+/, ''),
          notBeforeMs: floor(asked.notBeforeMs),
          notAfterMs: floor(notAfterMs),
          isCa: asked.isCa,
          pathLength: asked.isCa ? pathLength : undefined,
          keyUsage: new Set(asked.keyUsage),
          extendedKeyUsage:
            asked.extendedKeyUsage.length === 0 ? undefined : new Set(asked.extendedKeyUsage),
          uriSans: asked.uriSans,
          dnsSans: asked.dnsSans,
          ipSans: asked.ipSans,
        });
        expect(fingerprint(parseCertificate(built.der))).toBe(fingerprint(built));
      }),
      { numRuns: 200 },
    );
  });

  it.each<[string, Partial<CertificateTemplate>, string]>([
    ['a serial of zero', { serial: new Uint8Array(4) }, 'a serial number of zero'],
    ['an empty serial', { serial: new Uint8Array() }, 'a serial number of zero'],
    ['a serial of 160 bits', { serial: new Uint8Array(20).fill(0xff) }, '160 bits'],
    ['a serial of 21 bytes', { serial: new Uint8Array(21).fill(1) }, '161 bits'],
    ['an end before the beginning', { notAfterMs: 0 }, 'ends before it begins'],
    ['a time that is none', { notAfterMs: Number.NaN }, 'ends before it begins'],
    ['a time after 9999', { notAfterMs: Date.UTC(10_000, 0, 1) }, '1950 to 9999'],
    ['a negative path length', { pathLength: -1 }, 'a path length of -1'],
    ['half a path length', { pathLength: 0.5 }, 'a path length of 0.5'],
    ['a path length for a leaf', { isCa: false, pathLength: 0 }, 'a path length of 0'],
    ['no key usage', { keyUsage: [] }, 'without key usage'],
    ['a CA without a name', { subject: [] }, 'a CA without a subject name'],
    ['a leaf without any name', { isCa: false, subject: [] }, 'neither a subject nor'],
    ['a URI with a space', { uriSans: ['spiffe://td/a b'] }, 'visible ASCII'],
  ])('refuses %s', (_, wrong, problem) => {
    expect(() => buildCertificate({ ...template, ...wrong }, self)).toThrow(
      expect.objectContaining({ code: 'ERR_ISSUANCE', message: expect.stringContaining(problem) }),
    );
  });

  it('takes the largest serial that RFC 5280 allows', () => {
    const serial = new Uint8Array(20).fill(0xff);
    serial[0] = 0x7f;
    expect(buildCertificate({ ...template, serial }, self).serial).toBe(`7f${'ff'.repeat(19)}`);
  });

  it('refuses a private key that is not the issuer certificate’s', () => {
    const root = buildCertificate(template, self);
    const { privateKey, publicKey } = generateKeyPair();
    for (const signer of [
      { certificate: root, privateKey },
      { certificate: undefined, privateKey },
      { certificate: undefined, privateKey: publicKey },
    ]) {
      expect(() => buildCertificate(template, signer)).toThrow(
        expect.objectContaining({ code: 'ERR_KEY' }),
      );
    }
  });
});
