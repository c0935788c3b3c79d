import type { Clock } from '../../lib/clock.ts';

/** Long sleeps are cut, should a clock jump go unnoticed. */
const LONGEST_NAP_MS = 30_000;

/** Waits for the moment at which to renew, by a wall clock that may be set meanwhile. */
export class RenewalTimer {
  readonly #clock: Clock;
  #dueAtMs: number;
  #nap = new AbortController();

  constructor(clock: Clock, dueAtMs: number) {
    this.#clock = clock;
    this.#dueAtMs = dueAtMs;
  }

  /** For the next wait. */
  set(dueAtMs: number): void {
    this.#dueAtMs = dueAtMs;
  }

  /** It is due at this moment at the latest. */
  hasten(atMs: number): void {
    this.#dueAtMs = Math.min(this.#dueAtMs, atMs);
    this.#nap.abort();
  }

  /** It is due now. */
  expire(): void {
    this.#dueAtMs = this.#clock.now();
    this.#nap.abort();
  }

  /**
   * Looks again at once. What was waited before the clock was set back counts; a clock that went
   * ahead may just have woken up.
   */
  clockJumped(byMs: number): void {
    this.#dueAtMs += Math.min(byMs, 0);
    this.#nap.abort();
  }

  /** Resolves when it is due, or `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    for (;;) {
      const restMs = this.#dueAtMs - this.#clock.now();
      if (restMs <= 0 || signal.aborted) return;
      this.#nap = new AbortController();
      const until = AbortSignal.any([signal, this.#nap.signal]);
      await this.#clock.sleep(Math.min(restMs, LONGEST_NAP_MS), until);
    }
  }
}
