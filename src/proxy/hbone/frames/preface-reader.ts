import { ErrorCode, PREFACE } from './http2-codes.ts';
import { http2Error } from './http2-error.ts';

/** Takes the client's preface off the beginning of a connection. */
export class PrefaceReader {
  #seen = 0;

  /** What of the chunk comes after the preface. @throws {MeshError} ERR_WIRE at the first byte that differs. */
  take(chunk: Buffer): Buffer {
    const count = Math.min(PREFACE.length - this.#seen, chunk.length);
    for (let i = 0; i < count; i++) {
      if (chunk[i] === PREFACE[this.#seen + i]) continue;
      throw http2Error(ErrorCode.protocolError, 'the connection does not begin as HTTP/2 does');
    }
    this.#seen += count;
    return count === 0 ? chunk : chunk.subarray(count);
  }
}
