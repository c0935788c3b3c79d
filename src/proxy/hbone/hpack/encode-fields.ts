import { type HeaderField, STATIC_TABLE } from './static-table.ts';

const INDEXED = 0x80;
const LITERAL = 0x00;

const WHOLE = new Map<string, number>();
const NAMED = new Map<string, number>();
STATIC_TABLE.forEach(([name, value], i) => {
  WHOLE.set(`${name}\0${value}`, i + 1);
  if (!NAMED.has(name)) NAMED.set(name, i + 1);
});
/** The longest an integer and the length of two texts can be. */
const OVERHEAD_BYTES = 16;

/**
 * A header block of these fields (RFC 7541). Nothing is remembered between blocks: a field is a static
 * entry, or a literal that is not to be indexed.
 */
export function encodeFields(fields: readonly HeaderField[]): Buffer {
  let longest = 0;
  for (const [name, value] of fields) longest += name.length + value.length + OVERHEAD_BYTES;
  const block = Buffer.allocUnsafe(longest);
  let at = 0;
  for (const field of fields) at = encodeField(block, at, field);
  return block.subarray(0, at);
}

/** What a block must begin with once after the peer made its table smaller: we use none (RFC 7541, 4.2). */
export const NO_DYNAMIC_TABLE: Uint8Array = Uint8Array.of(0x20);

function encodeField(block: Buffer, at: number, [name, value]: HeaderField): number {
  const whole = WHOLE.get(`${name}\0${value}`);
  if (whole !== undefined) {
    return encodeInteger(block, at, { first: INDEXED, prefixBits: 7, value: whole });
  }
  const named = NAMED.get(name) ?? 0;
  let end = encodeInteger(block, at, { first: LITERAL, prefixBits: 4, value: named });
  if (named === 0) end = encodeText(block, end, name);
  return encodeText(block, end, value);
}

function encodeText(block: Buffer, at: number, text: string): number {
  const start = encodeInteger(block, at, { first: 0, prefixBits: 7, value: text.length });
  return start + block.write(text, start, 'latin1');
}

function encodeInteger(
  block: Buffer,
  at: number,
  { first, prefixBits, value }: { first: number; prefixBits: number; value: number },
): number {
  const mask = 2 ** prefixBits - 1;
  if (value < mask) {
    block[at] = first | value;
    return at + 1;
  }
  block[at] = first | mask;
  let rest = value - mask;
  let end = at + 1;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    block[end] = (rest % 128) + 128;
    end += 1;
  }
  block[end] = rest;
  return end + 1;
}
