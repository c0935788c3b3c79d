import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testAuthority } from '../../test/kit/test-authority.ts';
import { MeshError } from '../lib/errors.ts';
import { buildCrl } from './build-crl.ts';
import { type Certificate, isSignedBy, parseCertificate } from './certificate.ts';
import { isCrlSignedBy, parseCrl } from './crl.ts';
import { createCsr, parseCsr } from './csr.ts';
import { readDer } from './der-reader.ts';
import { readName } from './distinguished-name.ts';
import { readExtensions } from './extensions.ts';
import { readAltNames } from './general-names.ts';
import { generateKeyPair } from './key-pair.ts';
import { validatePath } from './path.ts';
import { decodePem, encodePem } from './pem.ts';
import { importSpki } from './spki.ts';

const authority = testAuthority();
const { chain } = authority.issue('spiffe://cluster.local/ns/a/sa/b', {
  dnsSans: ['b.a.svc'],
  ipSans: ['10.0.0.1'],
  subject: [{ type: 'CN', value: 'b' }],
});
const rsa = testAuthority({ algorithm: 'rsa-2048' }).root;
const csr = createCsr(generateKeyPair(), { uriSans: ['spiffe://td/x'], commonName: 'x' });
const crl = buildCrl(
  {
    ...{ thisUpdateMs: Date.UTC(2026, 0, 1), nextUpdateMs: Date.UTC(2026, 0, 2), number: 7 },
    entries: [
      { serial: '4f1e', revokedAtMs: Date.UTC(2026, 0, 1), reason: 'keyCompromise' },
      { serial: 'fe', revokedAtMs: Date.UTC(2026, 0, 1), reason: 'unspecified' },
    ],
  },
  { certificate: authority.intermediate, privateKey: authority.intermediateSigner.privateKey },
);
const certificates = [...chain, authority.root, rsa];
const valid = certificates
  .flatMap(({ der, spkiDer, subjectDer }) => [der, spkiDer, subjectDer])
  .concat(csr, crl.der);

/** Everything that may be done with a certificate from a stranger. */
function useCertificate(der: Uint8Array): void {
  const certificate: Certificate = parseCertificate(der);
  isSignedBy(certificate, authority.root.publicKey);
  isSignedBy(certificate, certificate.publicKey);
  validatePath({
    leaf: certificate,
    intermediates: [certificate, ...chain],
    roots: [authority.root, certificate],
    nowMs: Date.now(),
    purpose: 'clientAuth',
  });
}

const parsers: readonly [string, (bytes: Uint8Array) => unknown][] = [
  ['parseCertificate and all that follows', useCertificate],
  ['parseCsr', parseCsr],
  ['parseCrl', (bytes) => isCrlSignedBy(parseCrl(bytes), authority.root.publicKey)],
  ['importSpki', importSpki],
  ['readName', readName],
  ['readExtensions', (bytes) => readDer(bytes, readExtensions)],
  ['readAltNames', (bytes) => readDer(bytes, readAltNames)],
  ['decodePem', (bytes) => decodePem(Buffer.from(bytes).toString('latin1'), 'CERTIFICATE')],
  ['decodePem of a block', (bytes) => decodePem(encodePem('CERTIFICATE', bytes), 'CERTIFICATE')],
];

function expectMeshErrorOrNothing(parse: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    parse(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(MeshError);
    expect((error as MeshError).message.length).toBeLessThan(2_000);
  }
}

/** Valid DER with bytes changed, cut out, doubled or put in. */
const mutated = fc
  .record({
    original: fc.constantFrom(...valid),
    changes: fc.array(
      fc.record({
        at: fc.nat(2_000),
        kind: fc.constantFrom('flip', 'set', 'delete', 'insert', 'truncate'),
        value: fc.nat(255),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .map(({ original, changes }) => {
    const bytes = [...original];
    for (const { at, kind, value } of changes) {
      const place = at % Math.max(bytes.length, 1);
      if (kind === 'flip') bytes[place] = (bytes[place] ?? 0) ^ (1 << (value & 7));
      else if (kind === 'set') bytes[place] = value;
      else if (kind === 'delete') bytes.splice(place, 1);
      else if (kind === 'insert') bytes.splice(place, 0, value);
      else bytes.length = place;
    }
    return Uint8Array.from(bytes);
  });

/** Elements in elements, more like DER than random bytes are. */
const { element } = fc.letrec<{ element: Uint8Array }>((tie) => ({
  element: fc
    .tuple(
      fc.constantFrom(0x30, 0x31, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0xa0, 0xa3, 0x86),
      fc.oneof(
        { depthSize: 'medium' },
        fc.uint8Array({ maxLength: 20 }),
        fc.array(tie('element'), { maxLength: 5 }).map((parts) => Buffer.concat(parts)),
      ),
    )
    .map(([tag, body]) => {
      const contents = body.subarray(0, 120);
      return Uint8Array.from([tag, contents.length, ...contents]);
    }),
}));

describe.each(parsers)('%s', (_, parse) => {
  it('throws only MeshErrors on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) =>
        expectMeshErrorOrNothing(parse, bytes),
      ),
      { numRuns: 500 },
    );
  });

  it('throws only MeshErrors on things like DER', () => {
    fc.assert(
      fc.property(element, (bytes) => expectMeshErrorOrNothing(parse, bytes)),
      { numRuns: 500 },
    );
  });

  it('throws only MeshErrors on valid DER that was changed', () => {
    fc.assert(
      fc.property(mutated, (bytes) => expectMeshErrorOrNothing(parse, bytes)),
      { numRuns: 1_500 },
    );
  });
});

describe('time', () => {
  it.each([
    ['64 KiB of open sequences', Buffer.alloc(65_536, Buffer.from('3080', 'hex'))],
    ['64 KiB of nested sequences', nested()],
    [
      '64 KiB of empty elements',
      Buffer.concat([Buffer.from('3083ffff00', 'hex'), Buffer.alloc(65_000)]),
    ],
    ['64 KiB of dashes', Buffer.from('-----BEGIN '.repeat(5_900))],
    ['64 KiB of BEGIN lines', Buffer.from('-----BEGIN CERTIFICATE-----\n'.repeat(2_300))],
  ])('is bounded for %s', (_, bytes) => {
    const startMs = performance.now();
    for (const [, parse] of parsers) expectMeshErrorOrNothing(parse, bytes);
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});

function nested(): Uint8Array {
  const bytes = Buffer.alloc(65_536);
  let at = 0;
  for (let left = bytes.length - 4; left > 0x100; left -= 4, at += 4) {
    bytes.writeUInt16BE(0x3082, at);
    bytes.writeUInt16BE(left, at + 2);
  }
  return bytes;
}

describe('a certificate that was changed', () => {
  it('is never accepted', () => {
    const leaf = chain[0]?.der ?? new Uint8Array();
    fc.assert(
      fc.property(fc.nat(leaf.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = leaf.slice();
        bytes[at] = (bytes[at] ?? 0) ^ change;
        expect(() =>
          validatePath({
            leaf: parseCertificate(bytes),
            intermediates: chain.slice(1),
            roots: [authority.root],
            nowMs: Date.now(),
          }),
        ).toThrow(MeshError);
      }),
      { numRuns: 500 },
    );
  });
});
