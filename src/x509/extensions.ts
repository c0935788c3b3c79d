import { contextTag, type DerReader, TAG } from './der-reader.ts';
import {
  hex,
  readBoolean,
  readNamedBits,
  readObjectIdentifier,
  readSmallInteger,
} from './der-values.ts';
import { type AltNames, readAltNames } from './general-names.ts';
import { OID } from './oids.ts';

/** Rights of a key, in the order of their bits (RFC 5280 4.2.1.3). */
export const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsage = (typeof KEY_USAGES)[number];

/** A purpose; those without a name here as dotted OID. */
export type ExtendedKeyUsage = 'serverAuth' | 'clientAuth' | (string & {});

/** What the extensions of a certificate say; absent ones have their default. */
export interface Extensions extends AltNames {
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  readonly extendedKeyUsage: ReadonlySet<ExtendedKeyUsage> | undefined;
  /** Lower-case hex. */
  readonly subjectKeyId: string | undefined;
  /** Lower-case hex. */
  readonly authorityKeyId: string | undefined;
  /** Dotted OIDs of critical extensions that nothing here understands. */
  readonly unknownCritical: readonly string[];
}

/** When there are no extensions at all. */
export const noExtensions: Extensions = {
  isCa: false,
  pathLength: undefined,
  keyUsage: undefined,
  extendedKeyUsage: undefined,
  uriSans: [],
  dnsSans: [],
  ipSans: [],
  subjectKeyId: undefined,
  authorityKeyId: undefined,
  unknownCritical: [],
};

type Draft = { -readonly [K in keyof Extensions]: Extensions[K] } & { unknownCritical: string[] };

const READERS: ReadonlyMap<string, (reader: DerReader, draft: Draft) => void> = new Map([
  [OID.basicConstraints, readBasicConstraints],
  [OID.keyUsage, readKeyUsage],
  [OID.extendedKeyUsage, readExtendedKeyUsage],
  [OID.subjectAltName, readSubjectAltName],
  [OID.subjectKeyIdentifier, readSubjectKeyId],
  [OID.authorityKeyIdentifier, readAuthorityKeyId],
]);

/** Reads SEQUENCE OF Extension; each may be there once (RFC 5280 4.2). */
export function readExtensions(reader: DerReader): Extensions {
  const draft: Draft = { ...noExtensions, unknownCritical: [] };
  const seen = new Set<string>();
  reader.into(TAG.sequence, () => {
    do reader.into(TAG.sequence, () => readExtension(reader, draft, seen));
    while (reader.more);
  });
  return draft;
}

function readExtension(reader: DerReader, draft: Draft, seen: Set<string>): void {
  const oid = readObjectIdentifier(reader);
  if (seen.has(oid)) reader.fail(`the extension ${oid} is there twice`);
  seen.add(oid);
  // An explicit FALSE is not DER, but common, and says the same.
  const critical = reader.peek() === TAG.boolean && readBoolean(reader);
  const read = READERS.get(oid);
  if (read !== undefined) {
    reader.into(TAG.octetString, () => read(reader, draft));
    return;
  }
  reader.contents(TAG.octetString);
  if (critical) draft.unknownCritical.push(oid);
}

function readBasicConstraints(reader: DerReader, draft: Draft): void {
  reader.into(TAG.sequence, () => {
    draft.isCa = reader.peek() === TAG.boolean && readBoolean(reader);
    draft.pathLength = reader.more ? readSmallInteger(reader) : undefined;
  });
  if (!draft.isCa && draft.pathLength !== undefined) reader.fail('a path length without CA:true');
}

function readKeyUsage(reader: DerReader, draft: Draft): void {
  draft.keyUsage = new Set(readNamedBits(reader).flatMap((bit) => KEY_USAGES[bit] ?? []));
}

function readExtendedKeyUsage(reader: DerReader, draft: Draft): void {
  const purposes = new Set<ExtendedKeyUsage>();
  reader.into(TAG.sequence, () => {
    do purposes.add(purposeName(readObjectIdentifier(reader)));
    while (reader.more);
  });
  draft.extendedKeyUsage = purposes;
}

function purposeName(oid: string): ExtendedKeyUsage {
  if (oid === OID.serverAuth) return 'serverAuth';
  return oid === OID.clientAuth ? 'clientAuth' : oid;
}

function readSubjectAltName(reader: DerReader, draft: Draft): void {
  Object.assign(draft, readAltNames(reader));
}

function readSubjectKeyId(reader: DerReader, draft: Draft): void {
  draft.subjectKeyId = hex(reader.contents(TAG.octetString));
}

function readAuthorityKeyId(reader: DerReader, draft: Draft): void {
  const keyIdTag = contextTag(0);
  reader.into(TAG.sequence, () => {
    if (reader.peek() === keyIdTag) draft.authorityKeyId = hex(reader.contents(keyIdTag));
    while (reader.more) reader.element();
  });
}
