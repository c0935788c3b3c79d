const BLOCK_BYTES = 16 * 1024;

/**
 * Bytes that wait for their reader, in order. Small pieces are put together, so that what waits holds
 * no more memory than about twice its bytes, however it was cut.
 */
export class ByteQueue {
  readonly #chunks: Buffer[] = [];
  #length = 0;
  /** The last of the chunks, where it is a block of ours with room after its bytes. */
  #open: { readonly block: Buffer; used: number } | undefined;

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** Takes the bytes, by reference where that does not hold much more than them and they are not `lent`. */
  push(chunk: Buffer, lent: boolean): void {
    this.#length += chunk.length;
    const whole = chunk.length * 2 >= chunk.buffer.byteLength && chunk.length >= BLOCK_BYTES / 4;
    if (whole && !lent) {
      this.#open = undefined;
      this.#chunks.push(chunk);
      return;
    }
    for (let at = 0; at < chunk.length; ) at += this.#copy(chunk.subarray(at));
  }

  /** The first chunk; undefined when nothing waits. */
  shift(): Buffer | undefined {
    const chunk = this.#chunks.shift();
    this.#length -= chunk?.length ?? 0;
    if (this.#chunks.length === 0) this.#open = undefined;
    return chunk;
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#length = 0;
    this.#open = undefined;
  }

  /** As much as the open block has room for; returns how much. */
  #copy(bytes: Buffer): number {
    const open = this.#open ?? { block: Buffer.allocUnsafeSlow(BLOCK_BYTES), used: 0 };
    const count = Math.min(bytes.length, open.block.length - open.used);
    bytes.copy(open.block, open.used, 0, count);
    open.used += count;
    const start = this.#open === undefined ? 0 : (this.#chunks.pop()?.byteOffset ?? 0);
    this.#chunks.push(open.block.subarray(start, open.used));
    this.#open = open.used < open.block.length ? open : undefined;
    return count;
  }
}
