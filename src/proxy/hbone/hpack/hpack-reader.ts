import { ErrorCode } from '../frames/http2-codes.ts';
import { http2Error } from '../frames/http2-error.ts';
import { decodeHuffman } from './huffman.ts';

/** No integer that makes sense in a header block is larger. */
const MAX_INTEGER = 2 ** 24;
const HUFFMAN = 0x80;
const MORE = 0x80;

/** Reads integers and strings (RFC 7541, 5) from a header block. */
export class HpackReader {
  readonly #block: Buffer;
  #at = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  get atEnd(): boolean {
    return this.#at === this.#block.length;
  }

  /** The next byte, which stays. @throws {MeshError} ERR_WIRE at the end, as all here do. */
  peek(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw truncated();
    return byte;
  }

  /** An integer whose first byte holds its lowest `prefixBits`. */
  integer(prefixBits: number): number {
    const mask = 2 ** prefixBits - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#byte();
      value += (byte & ~MORE) * factor;
      if (value > MAX_INTEGER || factor > MAX_INTEGER) {
        throw http2Error(
          ErrorCode.compressionError,
          `a header with an integer above ${MAX_INTEGER}`,
        );
      }
      if (byte < MORE) return value;
    }
  }

  text(): string {
    const coded = (this.peek() & HUFFMAN) !== 0;
    const length = this.integer(7);
    const end = this.#at + length;
    if (end > this.#block.length) throw truncated();
    const bytes = this.#block.subarray(this.#at, end);
    this.#at = end;
    return (coded ? decodeHuffman(bytes) : bytes).toString('latin1');
  }

  #byte(): number {
    const byte = this.peek();
    this.#at += 1;
    return byte;
  }
}

function truncated(): Error {
  return http2Error(ErrorCode.compressionError, 'a header block that ends within a field');
}
