import { MeshError } from '../lib/errors.ts';

/** The tags this mesh meets, as identifier bytes. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[n]` with primitive contents, such as a GeneralName's text. */
export function contextTag(n: number): number {
  return 0x80 | n;
}

/** `[n]` around other elements. */
export function contextConstructed(n: number): number {
  return 0xa0 | n;
}

const MAX_DEPTH = 16;

/**
 * A cursor over DER: definite and shortest lengths only, one-byte tags, at most 16 levels. Whatever
 * is entered must be read to its end, so trailing bytes are refused at every level.
 * Every error is a MeshError ERR_DER that gives the byte offset.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #end: number;
  #depth = 0;
  /** Where the element ends whose header was checked last. */
  #next = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** Whether the element that was entered last holds more elements. */
  get more(): boolean {
    return this.#at < this.#end;
  }

  /** The tag of the next element, -1 at the end. */
  peek(): number {
    return this.#at < this.#end ? (this.#bytes[this.#at] ?? -1) : -1;
  }

  /** Enters the next element, which must have `tag`, and lets `read` read all of it. */
  into<T>(tag: number, read: () => T): T {
    const start = this.#header(tag);
    const [outerEnd, innerEnd] = [this.#end, this.#next];
    if (this.#depth >= MAX_DEPTH) this.fail(`nested deeper than ${MAX_DEPTH} levels`);
    this.#depth += 1;
    this.#at = start;
    this.#end = innerEnd;
    const value = read();
    if (this.#at !== innerEnd) this.fail(`${innerEnd - this.#at} bytes too many`);
    this.#end = outerEnd;
    this.#depth -= 1;
    return value;
  }

  /** As `into`, or undefined when the next element has another tag. */
  optional<T>(tag: number, read: () => T): T | undefined {
    return this.peek() === tag ? this.into(tag, read) : undefined;
  }

  /** The contents of the next element, which must have `tag`: a view, not a copy. */
  contents(tag: number): Uint8Array {
    const start = this.#header(tag);
    this.#at = this.#next;
    return this.#bytes.subarray(start, this.#next);
  }

  /** The next element whole, header included: a view, not a copy. */
  element(): Uint8Array {
    const start = this.#at;
    this.#header(this.peek());
    this.#at = this.#next;
    return this.#bytes.subarray(start, this.#next);
  }

  /** @throws {MeshError} ERR_DER always, with the place. */
  fail(problem: string): never {
    throw new MeshError('ERR_DER', `${problem} at byte ${this.#at}`);
  }

  /** Checks the header at the cursor; gives where its contents start and sets `#next`. */
  #header(tag: number): number {
    const found = this.peek();
    if (found === -1) this.fail('the data ends where an element should begin');
    if (found !== tag) this.fail(`tag ${hex(found)} where ${hex(tag)} should be`);
    if ((found & 0x1f) === 0x1f) this.fail('a tag of more than one byte');
    let at = this.#at + 1;
    let length = this.#byte(at++);
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0) this.fail('a length that is not definite');
      if (count > 4) this.fail('a length of more than four bytes');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + this.#byte(at++);
      if (length < 0x80 || length < 256 ** (count - 1))
        this.fail('a length longer than it must be');
    }
    if (length > this.#end - at) this.fail(`an element of ${length} bytes that is cut off`);
    this.#next = at + length;
    return at;
  }

  #byte(at: number): number {
    if (at >= this.#end) this.fail('a header that is cut off');
    return this.#bytes[at] ?? 0;
  }
}

/** Reads `bytes` as exactly one run of elements: what `read` leaves over is refused. */
export function readDer<T>(bytes: Uint8Array, read: (reader: DerReader) => T): T {
  const reader = new DerReader(bytes);
  const value = read(reader);
  if (reader.more) reader.fail('bytes after the end');
  return value;
}

function hex(tag: number): string {
  return `0x${(tag & 0xff).toString(16).padStart(2, '0')}`;
}
