import type { FrameOutput } from '../frames/frame-output.ts';
import {
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  MAX_WINDOW_BYTES,
} from '../frames/http2-codes.ts';
import type { HboneStream } from './hbone-stream.ts';
import { SendTurns } from './send-turns.ts';

/** More than this is not asked of writers while it has not gone out. */
const LIMIT_BYTES = 128 * 1024;
/** Writers are asked again when no more than this is left. */
const LOW_BYTES = LIMIT_BYTES / 2;
/** Nothing is framed above this. */
const HARD_LIMIT_BYTES = 2 * LIMIT_BYTES;
/** Who writes less than this is let through until the hard limit: it is not what fills the queue. */
const SMALL_BYTES = 4 * 1024;
/** The largest frame we make, whatever the peer takes: what follows it should not wait for long. */
const MAX_FRAME_BYTES = 64 * 1024;

/**
 * The way out of one connection, which its streams share: bounded by the peer's window, and by how
 * much may wait behind TLS. What waits here waits before it is framed, so that turns are fair.
 */
export class SendQueue {
  readonly #output: FrameOutput;
  readonly #schedule: (call: () => void) => void;
  readonly #turns = new SendTurns();
  #window = DEFAULT_WINDOW_BYTES;
  #frameBytes = DEFAULT_FRAME_BYTES;
  #scheduled = false;

  constructor(output: FrameOutput, schedule: (call: () => void) => void) {
    this.#output = output;
    this.#schedule = schedule;
  }

  set peerFrameBytes(bytes: number) {
    this.#frameBytes = Math.min(bytes, MAX_FRAME_BYTES);
  }

  /** See `StreamCarrier.send`. */
  send(stream: HboneStream, chunk: Uint8Array, maxBytes: number): number {
    const allowed = Math.min(chunk.length, maxBytes, stream.sendWindow, this.#window);
    let sent = 0;
    while (sent < allowed && this.#output.unsent < HARD_LIMIT_BYTES) {
      const part = sent === 0 ? chunk : chunk.subarray(sent);
      sent += this.#output.data(stream.id, part, Math.min(allowed - sent, this.#frameBytes));
    }
    stream.sendWindow -= sent;
    this.#window -= sent;
    return sent;
  }

  hasRoomAfter(bytes: number): boolean {
    const { unsent } = this.#output;
    return unsent < LIMIT_BYTES || (bytes < SMALL_BYTES && unsent < HARD_LIMIT_BYTES);
  }

  wait(stream: HboneStream): void {
    this.#turns.add(stream);
  }

  forget(stream: HboneStream): void {
    this.#turns.delete(stream);
  }

  /** The peer takes so much more. False: that is more than a window can be. */
  grow(increment: number): boolean {
    this.#window += increment;
    return this.#window <= MAX_WINDOW_BYTES;
  }

  /** Gives turns if there is room: to be called when bytes went out or a window opened. */
  serve(): void {
    if (this.#output.unsent > LOW_BYTES) return;
    this.#turns.serve(LIMIT_BYTES - this.#output.unsent, () => this.#output.unsent);
    // Some were only told that they may write again. The others must not wait for whether they do.
    if (this.#turns.size === 0 || this.#output.unsent > 0) return;
    if (this.#window > 0 && !this.#scheduled) {
      this.#scheduled = true;
      this.#schedule(() => {
        this.#scheduled = false;
        this.serve();
      });
    }
  }
}
