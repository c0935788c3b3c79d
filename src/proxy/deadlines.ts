import type { Clock } from '../lib/clock.ts';

/** A deadline that was set; cancelling twice, or after it passed, does nothing. */
export interface Deadline {
  cancel(): void;
}

interface Entry extends Deadline {
  readonly atMs: number;
  readonly passed: () => void;
}

const LATE_MS = 100;

/**
 * Many deadlines of one length, cheaply: setting and cancelling cost a set operation and no timer,
 * because what was set first is due first and one sleeper serves all.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #afterMs: number;
  readonly #pending = new Set<Entry>();
  readonly #closing = new AbortController();
  #sleeping = false;

  constructor(clock: Clock, afterMs: number) {
    this.#clock = clock;
    this.#afterMs = afterMs;
  }

  /** The time that they go by, in milliseconds since some moment of this process. */
  get nowMs(): number {
    return this.#clock.elapsedMs();
  }

  /** Calls `passed` once, `afterMs` from now, unless cancelled or closed before. */
  set(passed: () => void): Deadline {
    const entry: Entry = {
      atMs: this.#clock.elapsedMs() + this.#afterMs,
      passed,
      cancel: () => this.#pending.delete(entry),
    };
    this.#pending.add(entry);
    if (!this.#sleeping) void this.#serve();
    return entry;
  }

  /** Settles as `work` does, or rejects with what `late` gives when that takes longer. */
  bound<T>(work: Promise<T>, late: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const deadline = this.set(() => reject(late()));
      work.finally(() => deadline.cancel()).then(resolve, reject);
    });
  }

  /** Forgets all deadlines that have not passed. */
  close(): void {
    this.#pending.clear();
    this.#closing.abort();
  }

  async #serve(): Promise<void> {
    this.#sleeping = true;
    for (const entry of this.#pending) {
      const waitMs = entry.atMs - this.#clock.elapsedMs();
      if (waitMs > 0) await this.#clock.sleep(waitMs, this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      // A loop that was held up hears its clock before it reads what has come in time.
      if (this.#clock.elapsedMs() - entry.atMs > LATE_MS) await new Promise(setImmediate);
      if (this.#closing.signal.aborted) return;
      if (this.#pending.delete(entry)) entry.passed();
    }
    this.#sleeping = false;
  }
}
