import { badRequest } from '../status-error.ts';

/** One field of a protobuf message as it is on the wire. */
export interface WireField {
  readonly number: number;
  /** Of types 0, 1 and 5: the number; of type 2: the bytes. */
  readonly value: bigint | Uint8Array;
}

/**
 * The fields of a message in order. Groups, which nobody sends, are refused.
 *
 * @throws {StatusError} BadRequest when the bytes are no message.
 */
export function* wireFields(bytes: Uint8Array): Generator<WireField> {
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = reader.varint();
    const number = Number(tag >> 3n);
    if (number === 0) throw malformed();
    switch (Number(tag & 7n)) {
      case 0:
        yield { number, value: reader.varint() };
        break;
      case 1:
        yield { number, value: reader.fixed(8) };
        break;
      case 2:
        yield { number, value: reader.bytes() };
        break;
      case 5:
        yield { number, value: reader.fixed(4) };
        break;
      default:
        throw malformed();
    }
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw malformed();
      this.#at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed();
  }

  fixed(length: 4 | 8): bigint {
    let value = 0n;
    const bytes = this.#take(length);
    for (const [index, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * index);
    return value;
  }

  bytes(): Uint8Array {
    const length = this.varint();
    if (length > BigInt(this.#bytes.length)) throw malformed();
    return this.#take(Number(length));
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw malformed();
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}

export function malformed() {
  return badRequest('the request body is not the protobuf that its Content-Type says');
}
