import { type CrlReason, readReason } from './crl-reason.ts';
import { contextTag, type DerReader, TAG } from './der-reader.ts';
import { hex, readBoolean, readInteger, readObjectIdentifier } from './der-values.ts';
import { OID } from './oids.ts';

/** What the extensions of a revocation list say. */
export interface CrlExtensions {
  readonly number: number | undefined;
  readonly authorityKeyId: string | undefined;
  readonly unknownCritical: readonly string[];
}

const MAX_NUMBER_BYTES = 20;

/** Reads SEQUENCE OF Extension of a list; each may be there once (RFC 5280 5.2). */
export function readCrlExtensions(reader: DerReader): CrlExtensions {
  const unknownCritical: string[] = [];
  let number: number | undefined;
  let authorityKeyId: string | undefined;
  reader.into(TAG.sequence, () =>
    readEach(reader, (oid, critical) => {
      if (oid === OID.crlNumber) number = reader.into(TAG.octetString, () => readNumber(reader));
      else if (oid === OID.authorityKeyIdentifier) {
        authorityKeyId = reader.into(TAG.octetString, () => readKeyId(reader));
      } else {
        reader.contents(TAG.octetString);
        if (critical) unknownCritical.push(oid);
      }
    }),
  );
  return { number, authorityKeyId, unknownCritical };
}

/** The rest of the SEQUENCE OF Extension of one entry; an unknown critical one is refused (5.3). */
export function readEntryExtensions(reader: DerReader): CrlReason {
  let reason: CrlReason = 'unspecified';
  readEach(reader, (oid, critical) => {
    if (oid === OID.crlReason) {
      reason = reader.into(TAG.octetString, () => readReason(reader));
      return;
    }
    if (critical) reader.fail(`the critical entry extension ${oid} is not known`);
    reader.contents(TAG.octetString);
  });
  return reason;
}

/** `read` is called before the value of each. */
function readEach(reader: DerReader, read: (oid: string, critical: boolean) => void): void {
  const seen = new Set<string>();
  do {
    reader.into(TAG.sequence, () => {
      const oid = readObjectIdentifier(reader);
      if (seen.has(oid)) reader.fail(`the extension ${oid} is there twice`);
      seen.add(oid);
      read(oid, reader.peek() === TAG.boolean && readBoolean(reader));
    });
  } while (reader.more);
}

/** Undefined for one that a number here cannot hold. */
function readNumber(reader: DerReader): number | undefined {
  const bytes = readInteger(reader);
  if ((bytes[0] ?? 0) >= 0x80) reader.fail('a list number that is negative');
  if (bytes.length > MAX_NUMBER_BYTES) reader.fail('a list number of more than 20 bytes');
  const value = Number.parseInt(hex(bytes), 16);
  return value < 2 ** 48 ? value : undefined;
}

function readKeyId(reader: DerReader): string | undefined {
  const keyIdTag = contextTag(0);
  return reader.into(TAG.sequence, () => {
    const keyId = reader.peek() === keyIdTag ? hex(reader.contents(keyIdTag)) : undefined;
    while (reader.more) reader.element();
    return keyId;
  });
}
