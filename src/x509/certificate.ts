import { hash, type KeyObject } from 'node:crypto';
import { MeshError } from '../lib/errors.ts';
import { contextConstructed, contextTag, type DerReader, readDer, TAG } from './der-reader.ts';
import { readTime } from './der-time.ts';
import { hex, readInteger, readSmallInteger } from './der-values.ts';
import { readName } from './distinguished-name.ts';
import { type Extensions, noExtensions, readExtensions } from './extensions.ts';
import { rememberSignature } from './known-signatures.ts';
import { readSignedData, signatureAlgorithmName, verifySignedData } from './signed-data.ts';
import { checkSpki, importSharedSpki, importSpki } from './spki.ts';

/** A certificate that was read: its fields say what its bytes say, nothing is trusted yet. */
export interface Certificate extends Extensions {
  readonly der: Uint8Array;
  /** Lower-case hex without leading zero byte. */
  readonly serial: string;
  /** RFC 4514-like text, '' when the name is empty. */
  readonly issuer: string;
  readonly subject: string;
  readonly issuerDer: Uint8Array;
  readonly subjectDer: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Imported at first use. @throws {MeshError} ERR_KEY when it is a point off its curve. */
  readonly publicKey: KeyObject;
  readonly spkiDer: Uint8Array;
}

const MAX_BYTES = 64 * 1024;
const MAX_SERIAL_BYTES = 20;

/**
 * Reads a certificate's DER by RFC 5280, strictly. Serials must be positive and have at most 20
 * bytes, the key must be one that `checkPublicKey` accepts, extensions may not repeat.
 *
 * @throws {MeshError} ERR_DER with the place, ERR_KEY; at most 64 KiB are read.
 */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_BYTES) {
    throw new MeshError('ERR_DER', `a certificate of ${der.length} bytes; ${MAX_BYTES} are read`);
  }
  // A copy: the caller may use its buffer again.
  const own = new Uint8Array(der);
  try {
    return readDer(own, (reader) =>
      readSignedData(reader, ({ contents, algorithm }) => readContents(own, contents, algorithm)),
    );
  } catch (error) {
    if (!MeshError.is(error, 'ERR_DER')) throw error;
    throw new MeshError('ERR_DER', `this is not a certificate: ${error.message}`, { cause: error });
  }
}

/** TBSCertificate (RFC 5280 4.1.2). */
function readContents(der: Uint8Array, contents: Uint8Array, outer: Uint8Array): Certificate {
  return readDer(contents, (reader) =>
    reader.into(TAG.sequence, () => {
      const version = readVersion(reader);
      const serial = readSerial(reader);
      if (!Buffer.from(reader.element()).equals(outer)) {
        reader.fail('the signature algorithm is not the one that is signed');
      }
      const issuerDer = reader.element();
      const { notBeforeMs, notAfterMs } = readValidity(reader);
      const subjectDer = reader.element();
      const spkiDer = reader.element();
      checkSpki(spkiDer);
      skipUniqueIds(reader, version);
      const extensions =
        reader.optional(contextConstructed(3), () => readExtensions(reader)) ?? noExtensions;
      if (version < 3 && extensions !== noExtensions) reader.fail('extensions without version 3');
      let publicKey: KeyObject | undefined;
      return {
        ...extensions,
        der,
        serial,
        issuer: readName(issuerDer).text,
        subject: readName(subjectDer).text,
        issuerDer,
        subjectDer,
        notBeforeMs,
        notAfterMs,
        spkiDer,
        get publicKey(): KeyObject {
          publicKey ??= extensions.isCa ? importSharedSpki(spkiDer) : importSpki(spkiDer);
          return publicKey;
        },
      };
    }),
  );
}

function readVersion(reader: DerReader): number {
  const version = reader.optional(contextConstructed(0), () => readSmallInteger(reader) + 1) ?? 1;
  if (version > 3) reader.fail(`version ${version} is not known`);
  return version;
}

function readSerial(reader: DerReader): string {
  const bytes = readInteger(reader);
  if ((bytes[0] ?? 0) >= 0x80) reader.fail('the serial number is negative');
  const serial = bytes[0] === 0 ? bytes.subarray(1) : bytes;
  if (serial.length === 0) reader.fail('the serial number is zero');
  if (serial.length > MAX_SERIAL_BYTES) {
    reader.fail(`the serial number has more than ${MAX_SERIAL_BYTES} bytes`);
  }
  return hex(serial);
}

function readValidity(reader: DerReader): { notBeforeMs: number; notAfterMs: number } {
  return reader.into(TAG.sequence, () => {
    const notBeforeMs = readTime(reader);
    const notAfterMs = readTime(reader);
    if (notAfterMs < notBeforeMs) reader.fail('the certificate ends before it begins');
    return { notBeforeMs, notAfterMs };
  });
}

/** issuerUniqueID and subjectUniqueID: obsolete, allowed from version 2. */
function skipUniqueIds(reader: DerReader, version: number): void {
  for (const n of [1, 2]) {
    if (version > 1 && reader.peek() === contextTag(n)) reader.element();
  }
}

/** Whether `issuerKey` signed the certificate with an algorithm that is accepted. */
export function isSignedBy(certificate: Certificate, issuerKey: KeyObject): boolean {
  return rememberSignature(certificate, issuerKey, () =>
    readDer(certificate.der, (reader) =>
      readSignedData(reader, (data) => verifySignedData(data, issuerKey)),
    ),
  );
}

/** The name of the algorithm that signed the certificate; undefined when it is not accepted here. */
export function acceptedSignatureAlgorithm(certificate: Certificate): string | undefined {
  return readDer(certificate.der, (reader) =>
    readSignedData(reader, ({ algorithm }) => signatureAlgorithmName(algorithm)),
  );
}

/** SHA-256 of the DER, in lower-case hex. */
export function fingerprint(certificate: Certificate): string {
  return hash('sha256', certificate.der, 'hex');
}
