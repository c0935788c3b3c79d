/** Remembers that something is to be looked at, for one waiter. */
export class Latch {
  #raised = false;
  #wake: (() => void) | undefined;

  /** Lets the present or the next `wait` go on. */
  raise(): void {
    this.#raised = true;
    this.#wake?.();
  }

  /** Resolves when raised since the last wait. */
  async wait(): Promise<void> {
    if (!this.#raised)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    this.#raised = false;
    this.#wake = undefined;
  }
}
