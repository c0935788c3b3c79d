import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testAuthority } from '../../test/kit/test-authority.ts';
import { MeshError } from '../lib/errors.ts';
import { buildCrl, type CrlTemplate } from './build-crl.ts';
import { isCrlSignedBy, parseCrl, type RevokedEntry } from './crl.ts';
import { CRL_REASONS } from './crl-reason.ts';
import { der, sequence } from './der-writer.ts';

const nowMs = Date.UTC(2026, 10, 21, 12);
const authority = testAuthority({ nowMs });
const { intermediate: certificate } = authority;
const signer = { certificate, privateKey: authority.intermediateSigner.privateKey };

function template(entries: readonly RevokedEntry[], more: Partial<CrlTemplate> = {}): CrlTemplate {
  return { thisUpdateMs: nowMs, nextUpdateMs: nowMs + 3_600_000, number: 1, entries, ...more };
}

const entry = fc.record({
  serial: fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .filter((bytes) => bytes[0] !== 0 && !(bytes.length === 20 && (bytes[0] ?? 0) >= 0x80))
    .map((bytes) => Buffer.from(bytes).toString('hex')),
  revokedAtMs: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1_000),
  reason: fc.constantFrom(...CRL_REASONS),
});

describe('buildCrl and parseCrl', () => {
  it('read what they wrote, ordered by serial, signed by the authority', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { selector: ({ serial }) => serial, maxLength: 20 }),
        fc.nat(2 ** 31),
        (entries, number) => {
          const crl = buildCrl(template(entries, { number }), signer);
          expect(crl).toMatchObject({
            ...{ issuer: certificate.subject, thisUpdateMs: nowMs, number },
            ...{ nextUpdateMs: nowMs + 3_600_000, authorityKeyId: certificate.subjectKeyId },
            unknownCritical: [],
          });
          const sorted = entries.toSorted((a, b) => (a.serial < b.serial ? -1 : 1));
          expect(crl.entries).toEqual(sorted);
          expect(isCrlSignedBy(crl, certificate.publicKey)).toBe(true);
          expect(isCrlSignedBy(crl, authority.root.publicKey)).toBe(false);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('carry fifty thousand entries', () => {
    const entries = Array.from({ length: 50_000 }, (_, at) => ({
      serial: (0x10000000 + at).toString(16).repeat(4),
      ...{ revokedAtMs: nowMs, reason: 'superseded' as const },
    }));
    const crl = buildCrl(template(entries), signer);
    expect(crl.entries).toHaveLength(50_000);
    expect(crl.der.length).toBeLessThan(3_000_000);
  });

  it('keep the years after 2049', () => {
    const revokedAtMs = Date.UTC(2061, 4, 6, 7, 8, 9);
    const crl = buildCrl(template([{ serial: '0a', revokedAtMs, reason: 'unspecified' }]), signer);
    expect(crl.entries[0]?.revokedAtMs).toBe(revokedAtMs);
  });
});

describe('buildCrl', () => {
  const one = { serial: '0a', revokedAtMs: nowMs, reason: 'unspecified' } as const;

  it.each([
    ['a serial twice', template([one, one]), signer, 'ERR_ISSUANCE'],
    ['a negative number', template([], { number: -1 }), signer, 'ERR_ISSUANCE'],
    [
      'a signer that is no CA',
      template([]),
      {
        certificate: authority.issue('spiffe://cluster.local/x').chain[0] ?? certificate,
        ...key(),
      },
      'ERR_ISSUANCE',
    ],
    [
      "a key that is not the signer's",
      template([]),
      { certificate, privateKey: authority.rootSigner.privateKey },
      'ERR_KEY',
    ],
  ])('refuses %s', (_name, wish, by, code) => {
    expect(() => buildCrl(wish, by)).toThrow(expect.objectContaining({ code }));
  });
});

function key() {
  return { privateKey: signer.privateKey };
}

describe('parseCrl', () => {
  const crl = buildCrl(
    template([{ serial: '4f1e', revokedAtMs: nowMs, reason: 'keyCompromise' }]),
    signer,
  );

  it('refuses every proper beginning of a list', () => {
    for (let length = 0; length < crl.der.length; length += 1) {
      expect(() => parseCrl(crl.der.subarray(0, length))).toThrow(MeshError);
    }
  });

  it('accepts no byte that was changed', () => {
    for (let at = 0; at < crl.der.length; at += 1) {
      const changed = crl.der.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      expect(isAccepted(changed), `byte ${at}`).toBe(false);
    }
  });

  it('refuses a list that is too large before it reads it', () => {
    expect(() => parseCrl(new Uint8Array(8 * 1024 * 1024 + 1))).toThrow(/8388608 are read/);
  });

  it('refuses what is no list', () => {
    expect(() => parseCrl(sequence(der(0x02, Uint8Array.of(1))))).toThrow(
      /not a certificate revocation list/,
    );
    expect(() => parseCrl(certificate.der)).toThrow(/not a certificate revocation list/);
  });

  function isAccepted(bytes: Uint8Array): boolean {
    try {
      return isCrlSignedBy(parseCrl(bytes), certificate.publicKey);
    } catch (error) {
      expect(error).toBeInstanceOf(MeshError);
      return false;
    }
  }
});
