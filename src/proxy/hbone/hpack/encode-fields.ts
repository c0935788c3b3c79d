import { type HeaderField, STATIC_TABLE } from './static-table.ts';

const INDEXED = 0x80;
const LITERAL = 0x00;

/**
 * A header block of these fields (RFC 7541). Nothing is remembered between blocks: a field is a static
 * entry, or a literal that is not to be indexed.
 */
export function encodeFields(fields: readonly HeaderField[]): Buffer {
  const bytes: number[] = [];
  for (const field of fields) encodeField(bytes, field);
  return Buffer.from(bytes);
}

/** What a block must begin with once after the peer made its table smaller: we use none (RFC 7541, 4.2). */
export const NO_DYNAMIC_TABLE: Uint8Array = Uint8Array.of(0x20);

function encodeField(bytes: number[], [name, value]: HeaderField): void {
  const whole = STATIC_TABLE.findIndex((known) => known[0] === name && known[1] === value);
  if (whole >= 0) {
    encodeInteger(bytes, { first: INDEXED, prefixBits: 7, value: whole + 1 });
    return;
  }
  const named = STATIC_TABLE.findIndex((known) => known[0] === name) + 1;
  encodeInteger(bytes, { first: LITERAL, prefixBits: 4, value: named });
  if (named === 0) encodeText(bytes, name);
  encodeText(bytes, value);
}

function encodeText(bytes: number[], text: string): void {
  encodeInteger(bytes, { first: 0, prefixBits: 7, value: text.length });
  bytes.push(...Buffer.from(text, 'latin1'));
}

function encodeInteger(
  bytes: number[],
  { first, prefixBits, value }: { first: number; prefixBits: number; value: number },
): void {
  const mask = 2 ** prefixBits - 1;
  if (value < mask) {
    bytes.push(first | value);
    return;
  }
  bytes.push(first | mask);
  let rest = value - mask;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
}
