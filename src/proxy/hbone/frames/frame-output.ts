import { Flag, FRAME_HEAD_BYTES, FrameType } from './http2-codes.ts';
import type { SlabPool } from './slab-pool.ts';

/** Where bytes go: a TLS connection. */
export interface ByteSink {
  /** Takes them; `written` is called once they are out, or never will be. */
  write(bytes: Uint8Array, written: () => void): void;
}

export interface FrameOutputOptions {
  readonly sink: ByteSink;
  readonly slabs: SlabPool;
  /** Calls back once all that is ready now has been worked on: `setImmediate`. */
  readonly schedule: (flush: () => void) => void;
  /** Called each time bytes went out. */
  readonly written: () => void;
}

const EMPTY = new Uint8Array(0);

/**
 * Writes frames into slabs, one after the other, and hands them to the sink once per turn of the
 * event loop: system calls are what costs, not copying.
 */
export class FrameOutput {
  readonly #options: FrameOutputOptions;
  #slab: Buffer | undefined;
  #used = 0;
  #unsent = 0;
  #scheduled = false;
  #total = 0;
  #totalSent = 0;
  readonly #waiting: { readonly total: number; readonly call: () => void }[] = [];

  constructor(options: FrameOutputOptions) {
    this.#options = options;
  }

  /** Bytes of frames that are not out yet. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Calls once everything that was written until now is out; at once if it is. */
  whenSent(call: () => void): void {
    if (this.#totalSent === this.#total) call();
    else this.#waiting.push({ total: this.#total, call });
  }

  /** As much of `chunk` as fits the present slab, at most `maxBytes`, as one DATA frame. Returns how much. */
  data(streamId: number, chunk: Uint8Array, maxBytes: number): number {
    const slab = this.#room(FRAME_HEAD_BYTES + 1);
    const room = slab.length - this.#used - FRAME_HEAD_BYTES;
    const length = Math.min(chunk.length, maxBytes, room);
    this.#head(slab, { type: FrameType.data, flags: Flag.none, streamId, length });
    slab.set(length === chunk.length ? chunk : chunk.subarray(0, length), this.#used);
    this.#advance(length);
    return length;
  }

  endStream(streamId: number): void {
    this.frame({ type: FrameType.data, flags: Flag.endStream, streamId });
  }

  /** A frame whose payload is smaller than a slab. */
  frame(frame: {
    readonly type: number;
    readonly flags: number;
    readonly streamId: number;
    readonly payload?: Uint8Array;
  }): void {
    const { payload = EMPTY } = frame;
    const { length } = payload;
    const slab = this.#room(FRAME_HEAD_BYTES + length);
    this.#head(slab, { ...frame, length });
    slab.set(payload, this.#used);
    this.#advance(length);
  }

  /** A frame whose payload is one number of four bytes. */
  number(type: number, streamId: number, value: number): void {
    const slab = this.#room(FRAME_HEAD_BYTES + 4);
    this.#head(slab, { type, flags: Flag.none, streamId, length: 4 });
    slab.writeUInt32BE(value, this.#used);
    this.#advance(4);
  }

  /** Bytes that are no frame: the preface of a client. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length).set(bytes, this.#used);
    this.#advance(bytes.length);
  }

  /** Hands what there is to the sink. */
  flush(): void {
    const slab = this.#slab;
    if (slab === undefined) return;
    const bytes = this.#used;
    this.#slab = undefined;
    this.#used = 0;
    // Not before the callback: until then the bytes in it may be all there is of them.
    this.#options.sink.write(slab.subarray(0, bytes), () => {
      this.#options.slabs.give(slab);
      this.#sent(bytes);
    });
  }

  #sent(bytes: number): void {
    this.#unsent -= bytes;
    this.#totalSent += bytes;
    while ((this.#waiting[0]?.total ?? Number.POSITIVE_INFINITY) <= this.#totalSent) {
      this.#waiting.shift()?.call();
    }
    this.#options.written();
  }

  /** A slab with room for so many bytes. */
  #room(bytes: number): Buffer {
    if (this.#slab !== undefined && this.#slab.length - this.#used < bytes) this.flush();
    this.#slab ??= this.#options.slabs.take();
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#options.schedule(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
    return this.#slab;
  }

  #head(
    slab: Buffer,
    frame: { type: number; flags: number; streamId: number; length: number },
  ): void {
    const at = this.#used;
    slab.writeUIntBE(frame.length, at, 3);
    slab[at + 3] = frame.type;
    slab[at + 4] = frame.flags;
    slab.writeUInt32BE(frame.streamId, at + 5);
    this.#advance(FRAME_HEAD_BYTES);
  }

  #advance(bytes: number): void {
    this.#used += bytes;
    this.#unsent += bytes;
    this.#total += bytes;
  }
}
