import { type DerReader, TAG } from './der-reader.ts';

const MAX_OID_BYTES = 64;

/** A BOOLEAN: 00 or FF, nothing else. */
export function readBoolean(reader: DerReader): boolean {
  const bytes = reader.contents(TAG.boolean);
  if (bytes.length !== 1 || (bytes[0] !== 0 && bytes[0] !== 0xff)) {
    reader.fail('a boolean that is neither 00 nor ff');
  }
  return bytes[0] === 0xff;
}

/** The contents of an INTEGER in two's complement, shortest form. */
export function readInteger(reader: DerReader): Uint8Array {
  const bytes = reader.contents(TAG.integer);
  const [first, second = 0] = bytes;
  if (first === undefined) reader.fail('an integer without bytes');
  if (bytes.length > 1) {
    const padded = (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80);
    if (padded) reader.fail('an integer longer than it must be');
  }
  return bytes;
}

/** An INTEGER that is not negative and below 2^31. */
export function readSmallInteger(reader: DerReader): number {
  const bytes = readInteger(reader);
  if (bytes.length > 4 || (bytes[0] ?? 0) >= 0x80) {
    reader.fail('an integer that is negative or above 2147483647');
  }
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** An OBJECT IDENTIFIER in dotted form. */
export function readObjectIdentifier(reader: DerReader): string {
  const bytes = reader.contents(TAG.objectIdentifier);
  const last = bytes.at(-1);
  if (last === undefined || last >= 0x80) reader.fail('an object identifier that is cut off');
  if (bytes.length > MAX_OID_BYTES) reader.fail('an object identifier that is too long');
  let text = '';
  let arc = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (arc === 0 && byte === 0x80) reader.fail('an object identifier longer than it must be');
    if (arc > 2 ** 45) reader.fail('an object identifier with an arc that is too large');
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    text += text === '' ? firstArcs(arc) : `.${arc}`;
    arc = 0;
  }
  return text;
}

function firstArcs(value: number): string {
  if (value < 40) return `0.${value}`;
  return value < 80 ? `1.${value - 40}` : `2.${value - 80}`;
}

/** A BIT STRING of whole bytes, such as a signature or a public key. */
export function readBytesBitString(reader: DerReader): Uint8Array {
  const bytes = reader.contents(TAG.bitString);
  if (bytes[0] !== 0) reader.fail('a bit string that is not whole bytes');
  return bytes.subarray(1);
}

/** The numbers of the bits that are set in a BIT STRING of at most 16 bits; bit 0 is the first. */
export function readNamedBits(reader: DerReader): number[] {
  const bytes = reader.contents(TAG.bitString);
  const count = bytes.length - 1;
  const unused = bytes[0] ?? 8;
  if (unused > 7 || (count === 0 && unused > 0)) reader.fail('a wrong count of unused bits');
  if (count > 2) reader.fail('a bit string with more bits than have names');
  if (count > 0 && ((bytes[count] ?? 0) & ((1 << unused) - 1)) !== 0) {
    reader.fail('a bit string whose unused bits are not zero');
  }
  const set: number[] = [];
  for (let bit = 0; bit < 8 * count; bit++) {
    if (((bytes[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) set.push(bit);
  }
  return set;
}

/** One character a byte. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Two lower-case digits a byte. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
