import { ErrorCode, Flag } from '../frames/http2-codes.ts';
import { http2Error } from '../frames/http2-error.ts';

/** The header block of one request or answer, whole. */
export interface HeaderBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly bytes: Buffer;
  /** The stream that it claims to depend on; undefined when it claims nothing. */
  readonly dependsOn: number | undefined;
}

const MAX_BLOCK_BYTES = 64 * 1024;
const MAX_CONTINUATIONS = 16;
const PRIORITY_BYTES = 5;
const STREAM_ID_MASK = 0x7fff_ffff;

/** Puts HEADERS and its CONTINUATION frames together (RFC 9113, 4.3), within bounds. */
export class HeaderBlocks {
  #open: Omit<HeaderBlock, 'bytes'> | undefined;
  #parts: Buffer[] = [];
  #bytes = 0;

  /** The stream of a block that is not at its end; nothing else may come before. */
  get streamId(): number | undefined {
    return this.#open?.streamId;
  }

  /** A HEADERS frame. Returns its block unless that goes on. @throws {MeshError} ERR_WIRE */
  headers(flags: number, streamId: number, payload: Buffer): HeaderBlock | undefined {
    const unpadded = (flags & Flag.padded) === 0 ? payload : withoutPadding(payload);
    const prioritized = (flags & Flag.priority) !== 0;
    if (prioritized && unpadded.length < PRIORITY_BYTES) {
      throw http2Error(ErrorCode.frameSizeError, 'HEADERS shorter than its own parts');
    }
    this.#open = {
      streamId,
      endStream: (flags & Flag.endStream) !== 0,
      dependsOn: prioritized ? unpadded.readUInt32BE(0) & STREAM_ID_MASK : undefined,
    };
    return this.#add(flags, prioritized ? unpadded.subarray(PRIORITY_BYTES) : unpadded);
  }

  /** @throws {MeshError} ERR_WIRE when no block of that stream is open, or it grows too large. */
  continuation(flags: number, streamId: number, payload: Buffer): HeaderBlock | undefined {
    if (this.#open?.streamId !== streamId) {
      throw http2Error(ErrorCode.protocolError, 'CONTINUATION of nothing');
    }
    return this.#add(flags, payload);
  }

  #add(flags: number, part: Buffer): HeaderBlock | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    this.#bytes += part.length;
    if (this.#bytes > MAX_BLOCK_BYTES || this.#parts.length > MAX_CONTINUATIONS) {
      const reason = `a header block of more than ${MAX_BLOCK_BYTES} bytes or ${MAX_CONTINUATIONS} CONTINUATION frames`;
      throw http2Error(ErrorCode.enhanceYourCalm, reason);
    }
    if ((flags & Flag.endHeaders) === 0) {
      this.#parts.push(Buffer.from(part));
      return undefined;
    }
    const bytes = this.#parts.length === 0 ? part : Buffer.concat([...this.#parts, part]);
    this.#open = undefined;
    this.#parts = [];
    this.#bytes = 0;
    return { ...open, bytes };
  }
}

function withoutPadding(payload: Buffer): Buffer {
  const [padding] = payload;
  if (padding === undefined) {
    throw http2Error(ErrorCode.frameSizeError, 'HEADERS shorter than its own parts');
  }
  if (padding >= payload.length) {
    throw http2Error(ErrorCode.protocolError, `${padding} bytes of padding in less`);
  }
  return payload.subarray(1, payload.length - padding);
}
