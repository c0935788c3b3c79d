import { MeshError } from '../lib/errors.ts';
import { type DerReader, readDer, TAG } from './der-reader.ts';
import { hex, latin1, readObjectIdentifier } from './der-values.ts';
import { der, objectIdentifier, sequence } from './der-writer.ts';
import { OID } from './oids.ts';

/** What is written into names; everything is read. */
type NameAttributeType = 'CN' | 'O' | 'OU' | 'serialNumber';

/** One part of a name. */
export interface NameAttribute {
  readonly type: NameAttributeType;
  readonly value: string;
}

/** A name that was read: the text for people, and what programs ask for. */
export interface DistinguishedName {
  /** Last part first, as in RFC 4514: `CN=leaf,O=cluster.local`; control characters are escaped. */
  readonly text: string;
  readonly commonName: string | undefined;
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  [OID.commonName]: 'CN',
  [OID.serialNumber]: 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  [OID.organization]: 'O',
  [OID.organizationalUnit]: 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
};

/** Reads a Name (RFC 5280 4.1.2.4) given as its DER. */
export function readName(nameDer: Uint8Array): DistinguishedName {
  const parts: string[] = [];
  let commonName: string | undefined;
  readDer(nameDer, (reader) =>
    reader.into(TAG.sequence, () => {
      while (reader.more) {
        const attributes: string[] = [];
        reader.into(TAG.set, () => {
          do {
            const { type, value, text } = readAttribute(reader);
            attributes.push(`${SHORT_NAMES[type] ?? type}=${text}`);
            if (type === OID.commonName) commonName ??= value;
          } while (reader.more);
        });
        parts.push(attributes.join('+'));
      }
    }),
  );
  return { text: parts.reverse().join(','), commonName };
}

interface ReadAttribute {
  readonly type: string;
  /** Undefined when it is not text. */
  readonly value: string | undefined;
  /** For people: escaped, or `#` and the DER in hex. */
  readonly text: string;
}

function readAttribute(reader: DerReader): ReadAttribute {
  return reader.into(TAG.sequence, () => {
    const type = readObjectIdentifier(reader);
    const value = readText(reader);
    const text = value === undefined ? `#${hex(reader.element())}` : escapeValue(value);
    return { type, value, text };
  });
}

/** Any string type; undefined, with nothing read, for any other. */
function readText(reader: DerReader): string | undefined {
  const tag = reader.peek();
  switch (tag) {
    case TAG.utf8String:
      return utf8(reader, reader.contents(tag));
    case TAG.printableString:
    case TAG.ia5String:
    case TAG.numericString:
    case TAG.visibleString:
      return ascii(reader, reader.contents(tag));
    case TAG.t61String:
      return latin1(reader.contents(tag));
    case TAG.bmpString:
      return bmp(reader, reader.contents(tag));
    default:
      return undefined;
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(reader: DerReader, bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return reader.fail('a UTF8String that is not UTF-8');
  }
}

function ascii(reader: DerReader, bytes: Uint8Array): string {
  if (bytes.some((byte) => byte >= 0x80)) reader.fail('a string with a byte above 7f');
  return latin1(bytes);
}

function bmp(reader: DerReader, bytes: Uint8Array): string {
  if (bytes.length % 2 !== 0) reader.fail('a BMPString with half a character');
  return Buffer.from(bytes).swap16().toString('utf16le').toWellFormed();
}

const PLAIN = /^[A-Za-z0-9._-]+$/;

/** RFC 4514 2.4, and every control character as hex so that a name cannot forge a log line. */
function escapeValue(value: string): string {
  if (PLAIN.test(value)) return value;
  return value
    .replaceAll(/["+,;<>\\]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ')
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
      Buffer.from(character).toString('hex').replaceAll(/../g, '\\$&'),
    );
}

const MAX_VALUE_LENGTH = 64;
const PRINTABLE = /^[A-Za-z0-9 '()+,./:=?-]*$/;

/** OIDs and whether the standard asks for PrintableString. */
const WRITTEN: Readonly<Record<NameAttributeType, { oid: Uint8Array; printable: boolean }>> = {
  CN: { oid: objectIdentifier(OID.commonName), printable: false },
  O: { oid: objectIdentifier(OID.organization), printable: false },
  OU: { oid: objectIdentifier(OID.organizationalUnit), printable: false },
  serialNumber: { oid: objectIdentifier(OID.serialNumber), printable: true },
};

/**
 * The DER of a Name, one attribute a part, in the order given.
 *
 * @throws {MeshError} ERR_ISSUANCE when a value is empty, above 64 characters (RFC 5280 appendix A)
 * or holds what its string type cannot.
 */
export function nameDer(attributes: readonly NameAttribute[]): Uint8Array {
  return attributes.length === 0 ? EMPTY_NAME : sequence(...attributes.map(relativeName));
}

const EMPTY_NAME = sequence();

function relativeName({ type, value }: NameAttribute): Uint8Array {
  const { oid, printable } = WRITTEN[type];
  const length = [...value].length;
  if (length === 0 || length > MAX_VALUE_LENGTH || !value.isWellFormed()) {
    throw new MeshError(
      'ERR_ISSUANCE',
      `${type} "${value.slice(0, 80)}" in a name must have 1 to ${MAX_VALUE_LENGTH} characters`,
    );
  }
  if (printable && !PRINTABLE.test(value)) {
    throw new MeshError('ERR_ISSUANCE', `${type} "${value}" holds more than a PrintableString can`);
  }
  const text = der(printable ? TAG.printableString : TAG.utf8String, Buffer.from(value));
  return der(TAG.set, sequence(oid, text));
}
