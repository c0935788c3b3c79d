/** The content of a request as far as it was waited for. */
export interface PeekedBody {
  readonly bytes: Buffer;
  /** Whether nothing follows. */
  readonly whole: boolean;
}

/** What a judge may look at of a body before the request goes on. */
export interface RequestBody {
  /** As declared; undefined where it is not. */
  readonly length: number | undefined;
  /**
   * Waits until it is whole, or `most` bytes of it are there (with `beyond`: and one more, so that one of
   * exactly `most` bytes is whole). Undefined when it is broken off. Asked once.
   */
  peek(most: number, beyond: boolean): Promise<PeekedBody | undefined>;
}

/** Collects the beginning of a body, which goes on when the request does. */
export class BodyPeek {
  readonly #most: number;
  readonly #enough: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  readonly #result = Promise.withResolvers<PeekedBody | undefined>();
  #settled = false;

  constructor(most: number, beyond: boolean) {
    this.#most = most;
    this.#enough = most + (beyond ? 1 : 0);
  }

  get result(): Promise<PeekedBody | undefined> {
    return this.#result.promise;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Content as it comes; what is lent is copied. */
  content(chunk: Buffer): void {
    if (this.#settled) return;
    this.#chunks.push(Buffer.from(chunk.subarray(0, this.#enough - this.#size)));
    this.#size += chunk.length;
    if (this.#size >= this.#enough) this.#settle(false);
  }

  /** The body is whole. */
  end(): void {
    // what has settled in the middle of the chunk that ends the body stays what it is
    this.#settle(this.#size <= this.#most);
  }

  /** The rest will not be looked at. */
  stop(): void {
    this.#settle(false);
  }

  /** The rest will not come. */
  cut(): void {
    this.#settled = true;
    this.#result.resolve(undefined);
  }

  #settle(whole: boolean): void {
    if (this.#settled) return;
    this.#settled = true;
    const bytes = Buffer.concat(this.#chunks).subarray(0, this.#most);
    this.#result.resolve({ bytes, whole });
  }
}
