import type { Duplex } from 'node:stream';
import { SlabPool } from '../hbone/frames/slab-pool.ts';

const SLAB_BYTES = 64 * 1024;
const MAX_KEPT_SLABS = 16;
const LIMIT_BYTES = 128 * 1024;
/** Of all sockets: they hold one only while they write. */
const slabs = new SlabPool(SLAB_BYTES, MAX_KEPT_SLABS);

/** Writes lent bytes to a stream: copied into slabs that are used again, once per turn of the loop. */
export class SlabWrites {
  readonly #duplex: Duplex;
  readonly #drained: () => void;
  #slab: Buffer | undefined;
  #used = 0;
  #unsent = 0;
  #held = false;
  #scheduled = false;

  /** @param drained called when there is room again after `write` answered false. */
  constructor(duplex: Duplex, drained: () => void) {
    this.#duplex = duplex;
    this.#drained = drained;
  }

  /** Whether bytes are copied and not written yet; they come before anything else. */
  get pending(): boolean {
    return this.#slab !== undefined;
  }

  /** Whether the last `write` answered false and there is no room yet. */
  get held(): boolean {
    return this.#held;
  }

  /** False: no more until there is room. */
  write(chunk: Uint8Array): boolean {
    for (let at = 0; at < chunk.length; ) at += this.#copy(chunk, at);
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
    this.#held = this.#unsent >= LIMIT_BYTES;
    return !this.#held;
  }

  flush(): void {
    const slab = this.#slab;
    if (slab === undefined) return;
    const bytes = this.#used;
    this.#slab = undefined;
    this.#used = 0;
    this.#duplex.write(slab.subarray(0, bytes), () => {
      slabs.give(slab);
      this.#sent(bytes);
    });
  }

  /** Copies what fits of the chunk from there on; returns how much. */
  #copy(chunk: Uint8Array, at: number): number {
    this.#slab ??= slabs.take();
    const count = Math.min(chunk.length - at, this.#slab.length - this.#used);
    this.#slab.set(chunk.subarray(at, at + count), this.#used);
    this.#used += count;
    this.#unsent += count;
    if (this.#used === this.#slab.length) this.flush();
    return count;
  }

  #sent(bytes: number): void {
    this.#unsent -= bytes;
    if (!this.#held || this.#unsent > LIMIT_BYTES / 2) return;
    this.#held = false;
    this.#drained();
  }
}
