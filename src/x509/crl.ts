import type { KeyObject } from 'node:crypto';
import { MeshError } from '../lib/errors.ts';
import { readCrlExtensions, readEntryExtensions } from './crl-extensions.ts';
import type { CrlReason } from './crl-reason.ts';
import { contextConstructed, type DerReader, readDer, TAG } from './der-reader.ts';
import { readTime } from './der-time.ts';
import { hex, readInteger, readSmallInteger } from './der-values.ts';
import { readName } from './distinguished-name.ts';
import { readSignedData, verifySignedData } from './signed-data.ts';

/** One certificate that its issuer has revoked. */
export interface RevokedEntry {
  /** Lower-case hex without leading zero byte, as `Certificate.serial`. */
  readonly serial: string;
  readonly revokedAtMs: number;
  readonly reason: CrlReason;
}

/** A certificate revocation list that was read: nothing is trusted yet. */
export interface Crl {
  readonly der: Uint8Array;
  readonly issuer: string;
  readonly issuerDer: Uint8Array;
  readonly thisUpdateMs: number;
  /** When the next one is there at the latest; undefined when the issuer does not say. */
  readonly nextUpdateMs: number | undefined;
  /** In the order of the list. */
  readonly entries: readonly RevokedEntry[];
  /** Grows with each list of an issuer; undefined when it has none, or none below 2^48. */
  readonly number: number | undefined;
  /** Lower-case hex. */
  readonly authorityKeyId: string | undefined;
  /** Dotted OIDs of critical extensions that nothing here understands: such a list must not be used. */
  readonly unknownCritical: readonly string[];
}

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_ENTRIES = 100_000;

/**
 * Reads the DER of a version 2 list (RFC 5280 5), strictly; at most 8 MiB and 100,000 entries.
 *
 * @throws {MeshError} ERR_DER with the place.
 */
export function parseCrl(der: Uint8Array): Crl {
  if (der.length > MAX_BYTES) {
    throw new MeshError(
      'ERR_DER',
      `a revocation list of ${der.length} bytes; ${MAX_BYTES} are read`,
    );
  }
  const own = new Uint8Array(der);
  try {
    return readDer(own, (reader) =>
      readSignedData(reader, ({ contents, algorithm }) => readContents(own, contents, algorithm)),
    );
  } catch (error) {
    if (!MeshError.is(error, 'ERR_DER')) throw error;
    const text = `this is not a certificate revocation list: ${error.message}`;
    throw new MeshError('ERR_DER', text, { cause: error });
  }
}

/** Whether `issuerKey` signed the list with an algorithm that is accepted. */
export function isCrlSignedBy(crl: Crl, issuerKey: KeyObject): boolean {
  return readDer(crl.der, (reader) =>
    readSignedData(reader, (data) => verifySignedData(data, issuerKey)),
  );
}

/** TBSCertList (RFC 5280 5.1.2). */
function readContents(der: Uint8Array, contents: Uint8Array, outer: Uint8Array): Crl {
  return readDer(contents, (reader) =>
    reader.into(TAG.sequence, () => {
      const version = reader.peek() === TAG.integer ? readSmallInteger(reader) + 1 : 1;
      if (version !== 2) reader.fail(`version ${version} is not read`);
      if (!Buffer.from(reader.element()).equals(outer)) {
        reader.fail('the signature algorithm is not the one that is signed');
      }
      const issuerDer = reader.element();
      const thisUpdateMs = readTime(reader);
      const nextUpdateMs = isTime(reader) ? readTime(reader) : undefined;
      const entries = reader.optional(TAG.sequence, () => readEntries(reader)) ?? [];
      const extensions = reader.optional(contextConstructed(0), () => readCrlExtensions(reader));
      return {
        ...{
          der,
          issuer: readName(issuerDer).text,
          issuerDer,
          thisUpdateMs,
          nextUpdateMs,
          entries,
        },
        number: extensions?.number,
        authorityKeyId: extensions?.authorityKeyId,
        unknownCritical: extensions?.unknownCritical ?? [],
      };
    }),
  );
}

function isTime(reader: DerReader): boolean {
  return reader.peek() === TAG.utcTime || reader.peek() === TAG.generalizedTime;
}

function readEntries(reader: DerReader): RevokedEntry[] {
  const entries: RevokedEntry[] = [];
  while (reader.more) {
    if (entries.length === MAX_ENTRIES) reader.fail(`more than ${MAX_ENTRIES} entries`);
    entries.push(reader.into(TAG.sequence, () => readEntry(reader)));
  }
  // An empty list is left out (RFC 5280 5.1.2.6).
  if (entries.length === 0) reader.fail('a list of revoked certificates without one');
  return entries;
}

function readEntry(reader: DerReader): RevokedEntry {
  const bytes = readInteger(reader);
  if ((bytes[0] ?? 0) >= 0x80) reader.fail('a serial number that is negative');
  const serial = hex(bytes[0] === 0 && bytes.length > 1 ? bytes.subarray(1) : bytes);
  if (serial.length > MAX_SERIAL_DIGITS) reader.fail('a serial number of more than 20 bytes');
  const revokedAtMs = readTime(reader);
  const reason = reader.optional(TAG.sequence, () => readEntryExtensions(reader)) ?? 'unspecified';
  return { serial, revokedAtMs, reason };
}

const MAX_SERIAL_DIGITS = 40;
