import type { HboneStream } from './hbone-stream.ts';

/** What one stream may send in its turn. */
const TURN_BYTES = 64 * 1024;
/** What a writer that may go on is expected to write at least. */
const WAKE_BYTES = 32 * 1024;

/**
 * Streams that wait for room, who waits longest first. Each gets one turn before any has a second,
 * so that a small answer waits for one frame of every bulk transfer and not for all of their bytes.
 */
export class SendTurns {
  readonly #waiting = new Set<HboneStream>();

  get size(): number {
    return this.#waiting.size;
  }

  add(stream: HboneStream): void {
    this.#waiting.add(stream);
  }

  delete(stream: HboneStream): void {
    this.#waiting.delete(stream);
  }

  /** Gives turns until about `roomBytes` are used; `unsent` tells how much waits to go out. */
  serve(roomBytes: number, unsent: () => number): void {
    let room = roomBytes;
    // What is added again meanwhile comes last, and each turn takes of the room: this ends.
    for (const stream of this.#waiting) {
      if (room <= 0) return;
      const before = unsent();
      this.#waiting.delete(stream);
      if (stream.serve(TURN_BYTES)) this.#waiting.add(stream);
      room -= Math.max(unsent() - before, WAKE_BYTES);
    }
  }
}
