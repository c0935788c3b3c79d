import type { OnReadOpts } from 'node:net';

const READ_BYTES = 64 * 1024;
/** Filled by one read at a time and emptied before the next, whichever socket it is for. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Reads of a socket into one buffer that all sockets share, instead of a new one for each read: what
 * arrives is lent to whoever reads it. For `net.connect`.
 */
export class LentReads {
  readonly onread: OnReadOpts = {
    buffer: shared,
    callback: (bytes) => this.#arrived(shared.subarray(0, bytes)),
  };
  #reader: ((chunk: Buffer) => void) | undefined;
  /** What came before there was a reader. */
  #early: Buffer | undefined;

  /** From now on bytes go to `reader`. */
  start(reader: (chunk: Buffer) => void): void {
    this.#reader = reader;
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) reader(early);
  }

  /** False: read no more until the socket is resumed. */
  #arrived(chunk: Buffer): boolean {
    if (this.#reader === undefined) {
      this.#early = Buffer.concat([this.#early ?? Buffer.alloc(0), chunk]);
      return false;
    }
    this.#reader(chunk);
    return true;
  }
}
