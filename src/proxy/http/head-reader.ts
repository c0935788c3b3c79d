import { FIELDS_TOO_LARGE, httpFault } from './http-fault.ts';

/** The head of a message as Latin-1 text with its empty line, and where in the chunk it ended. */
export interface TakenHead {
  readonly text: string;
  readonly end: number;
}

/** Envoy's bound. */
export const MAX_HEAD_BYTES: number = 60 * 1024;
const FIRST_BYTES = 1024;
const CR = 13;
const LF = 10;
const END = Buffer.from('\r\n\r\n', 'latin1');
const END_BYTES = END.length;

/** Puts the heads of messages together from chunks that are cut anywhere; bounded. */
export class HeadReader {
  #held = Buffer.alloc(0);
  #used = 0;

  /** Whether part of a head has come. */
  get begun(): boolean {
    return this.#used > 0;
  }

  /**
   * Takes of `chunk` from `at` on. Undefined when the head goes on after it; what is kept is copied.
   *
   * @throws {MeshError} ERR_WIRE for a head that is too large, or a line that ends without a CR.
   */
  take(chunk: Buffer, at: number): TakenHead | undefined {
    if (this.#used === 0) {
      const found = chunk.indexOf(END, at);
      if (found >= 0) {
        checkSize(found + END_BYTES - at);
        return { text: chunk.toString('latin1', at, found + END_BYTES), end: found + END_BYTES };
      }
    }
    const before = this.#used;
    this.#hold(chunk.subarray(at, at + MAX_HEAD_BYTES + END_BYTES - before));
    const seen = this.#held.subarray(0, this.#used);
    const found = seen.indexOf(END, Math.max(0, before - END_BYTES + 1));
    if (found < 0) {
      checkLineEnds(seen, Math.max(0, before - 1));
      checkSize(this.#used);
      return undefined;
    }
    const length = found + END_BYTES;
    checkSize(length);
    const text = seen.toString('latin1', 0, length);
    this.#used = 0;
    return { text, end: at + length - before };
  }

  #hold(bytes: Uint8Array): void {
    const needed = this.#used + bytes.length;
    if (needed > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.max(FIRST_BYTES, needed, this.#held.length * 2));
      this.#held.copy(grown, 0, 0, this.#used);
      this.#held = grown;
    }
    this.#held.set(bytes, this.#used);
    this.#used = needed;
  }
}

function checkSize(bytes: number): void {
  if (bytes > MAX_HEAD_BYTES) {
    throw httpFault(`a head of more than ${MAX_HEAD_BYTES} bytes`, FIELDS_TOO_LARGE);
  }
}

/** So that who ends lines otherwise is told at once and not after a long wait. */
function checkLineEnds(bytes: Buffer, from: number): void {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (at > 0 && bytes[at - 1] === CR) continue;
    throw httpFault('a line that ends with LF alone');
  }
}
