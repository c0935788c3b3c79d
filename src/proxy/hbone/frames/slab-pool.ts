/** Buffers to write frames into, used again so that no garbage is made for each write. */
export class SlabPool {
  readonly #slabBytes: number;
  readonly #maxKept: number;
  readonly #free: Buffer[] = [];

  /** @param maxKept how many are kept when nobody uses them. */
  constructor(slabBytes: number, maxKept: number) {
    this.#slabBytes = slabBytes;
    this.#maxKept = maxKept;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#slabBytes);
  }

  /** The slab may be written into again. */
  give(slab: Buffer): void {
    if (this.#free.length < this.#maxKept) this.#free.push(slab);
  }
}
