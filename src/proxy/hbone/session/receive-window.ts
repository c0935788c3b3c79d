/** How much a peer may still send, and what it has not been told yet that it may. */
export class ReceiveWindow {
  readonly #limit: number;
  #open: number;
  #owed = 0;

  /** @param limit bytes that may be on the way or unread. */
  constructor(limit: number) {
    this.#limit = limit;
    this.#open = limit;
  }

  /** The peer sent so much. False: it was not allowed to. */
  take(bytes: number): boolean {
    this.#open -= bytes;
    return this.#open >= 0;
  }

  /** So much was read. Returns by how much to open the window now; 0 until it is worth a frame. */
  credit(bytes: number): number {
    this.#owed += bytes;
    if (this.#owed * 4 < this.#limit) return 0;
    const increment = this.#owed;
    this.#owed = 0;
    this.#open += increment;
    return increment;
  }
}
