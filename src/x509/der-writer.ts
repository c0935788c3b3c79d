import { TAG } from './der-reader.ts';

/** One element: `tag` around the concatenated `parts`. Above 16 MiB it is a RangeError. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const header = headerLength(length);
  const bytes = Buffer.allocUnsafe(header + length);
  writeHeader(bytes, tag, length);
  let at = header;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function headerLength(length: number): number {
  if (length < 0x80) return 2;
  if (length < 0x100) return 3;
  if (length < 0x1_0000) return 4;
  if (length > 0xff_ffff) throw new RangeError(`an element of ${length} bytes is not written`);
  return 5;
}

function writeHeader(bytes: Buffer, tag: number, length: number): void {
  bytes[0] = tag;
  if (length < 0x80) {
    bytes[1] = length;
  } else if (length < 0x100) {
    bytes[1] = 0x81;
    bytes[2] = length;
  } else if (length < 0x1_0000) {
    bytes[1] = 0x82;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 0x83;
    bytes.writeUIntBE(length, 2, 3);
  }
}

/** SEQUENCE of `parts`. */
export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(TAG.sequence, ...parts);
}

/** INTEGER of an unsigned big-endian number, in its shortest form. */
export function unsignedInteger(bytes: Uint8Array): Uint8Array {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from += 1;
  const magnitude = bytes.length === 0 ? ZERO_BYTE : bytes.subarray(from);
  return (magnitude[0] ?? 0) >= 0x80
    ? der(TAG.integer, ZERO_BYTE, magnitude)
    : der(TAG.integer, magnitude);
}

const ZERO_BYTE = Uint8Array.of(0);

/** OBJECT IDENTIFIER of dotted text; meant for constants, so wrong text is a RangeError. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = Number.NaN, second = Number.NaN, ...rest] = dotted.split('.').map(Number);
  const arcs = [first, second, ...rest].every((arc) => Number.isSafeInteger(arc) && arc >= 0);
  const valid = arcs && first <= 2 && (first === 2 || second < 40);
  if (!valid) throw new RangeError(`"${dotted}" is not an object identifier`);
  return der(
    TAG.objectIdentifier,
    Uint8Array.from([40 * first + second, ...rest].flatMap(base128)),
  );
}

function base128(arc: number): number[] {
  const digits = [arc % 128];
  for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128)) {
    digits.unshift((high % 128) + 128);
  }
  return digits;
}

/** BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return der(TAG.bitString, ZERO_BYTE, bytes);
}

/** BIT STRING with the given bits set (bit 0 is the first) and no trailing zero bits. */
export function namedBits(bits: readonly number[]): Uint8Array {
  const last = Math.max(-1, ...bits);
  const bytes = new Uint8Array(1 + Math.ceil((last + 1) / 8));
  bytes[0] = (8 - ((last + 1) % 8)) % 8;
  for (const bit of bits) {
    const at = 1 + (bit >> 3);
    bytes[at] = (bytes[at] ?? 0) | (0x80 >> (bit & 7));
  }
  return der(TAG.bitString, bytes);
}

/** BOOLEAN TRUE; FALSE is a default wherever we write one, and defaults are left out. */
export const booleanTrue: Uint8Array = Uint8Array.of(TAG.boolean, 1, 0xff);
