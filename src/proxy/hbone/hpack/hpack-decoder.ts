import { ErrorCode } from '../frames/http2-codes.ts';
import { http2Error } from '../frames/http2-error.ts';
import { DynamicTable, fieldBytes } from './dynamic-table.ts';
import { HpackReader } from './hpack-reader.ts';
import { type HeaderField, STATIC_TABLE } from './static-table.ts';

/** The fields of a header block, or that they are more than the bound. */
export type DecodedFields =
  | { readonly fields: readonly HeaderField[] }
  | { readonly tooLarge: number };

/** What a decoder offers unless SETTINGS_HEADER_TABLE_SIZE says otherwise, which we never send. */
const TABLE_BYTES = 4_096;

/** Decodes the header blocks of one connection, in order (RFC 7541). */
export class HpackDecoder {
  readonly #table = new DynamicTable(TABLE_BYTES);
  readonly #maxListBytes: number;

  /** @param maxListBytes of the fields of one block, each with an overhead of 32 (RFC 9113, 6.5.2). */
  constructor(maxListBytes: number) {
    this.#maxListBytes = maxListBytes;
  }

  /**
   * Reads a whole block. One whose fields are too many is read to its end, so that the next can be.
   *
   * @throws {MeshError} ERR_WIRE with COMPRESSION_ERROR, after which nothing can be decoded.
   */
  decode(block: Buffer): DecodedFields {
    const reader = new HpackReader(block);
    const fields: HeaderField[] = [];
    let bytes = 0;
    while (!reader.atEnd) {
      const field = this.#next(reader, bytes === 0 && fields.length === 0);
      if (field === undefined) continue;
      bytes += fieldBytes(field);
      if (bytes <= this.#maxListBytes) fields.push(field);
    }
    return bytes <= this.#maxListBytes ? { fields } : { tooLarge: bytes };
  }

  /** The next field; undefined for a change of the table's size. */
  #next(reader: HpackReader, first: boolean): HeaderField | undefined {
    const kind = reader.peek();
    if (kind >= 0x80) return this.#field(reader.integer(7));
    if (kind >= 0x40) {
      const field = this.#literal(reader, 6);
      this.#table.add(field);
      return field;
    }
    if (kind < 0x20) return this.#literal(reader, 4);
    this.#resize(reader.integer(5), first);
    return undefined;
  }

  #literal(reader: HpackReader, prefixBits: number): HeaderField {
    const index = reader.integer(prefixBits);
    const name = index === 0 ? reader.text() : this.#field(index)[0];
    return [name, reader.text()];
  }

  #field(index: number): HeaderField {
    const field =
      index <= STATIC_TABLE.length
        ? STATIC_TABLE[index - 1]
        : this.#table.at(index - STATIC_TABLE.length - 1);
    if (field !== undefined) return field;
    throw http2Error(ErrorCode.compressionError, `header field ${index} is in no table`);
  }

  #resize(bytes: number, first: boolean): void {
    if (bytes > TABLE_BYTES || !first) {
      const reason = `a header table of ${bytes} bytes, or not at the beginning of a block`;
      throw http2Error(ErrorCode.compressionError, reason);
    }
    this.#table.resize(bytes);
  }
}
