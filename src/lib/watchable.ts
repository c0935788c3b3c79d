/** A value that one writer swaps whole and many readers follow. */
export interface Watchable<T> {
  readonly current: T;
  /** Calls `listener` after each swap, not for the present value. Returns the way to stop. */
  subscribe(listener: (next: T, previous: T) => void): () => void;
}

/** The writer's side of a Watchable. Listeners run in order of subscription, before `set` returns. */
export class WatchableValue<T> implements Watchable<T> {
  #current: T;
  readonly #listeners = new Set<(next: T, previous: T) => void>();

  constructor(initial: T) {
    this.#current = initial;
  }

  get current(): T {
    return this.#current;
  }

  set(next: T): void {
    const previous = this.#current;
    this.#current = next;
    for (const listener of [...this.#listeners]) listener(next, previous);
  }

  subscribe(listener: (next: T, previous: T) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
