import type { Clock } from '../lib/clock.ts';

export interface DescriptorBudgetOptions {
  readonly clock: Clock;
  /** How many descriptors the process may have, as it is now. */
  readonly limit: () => number | undefined;
}

/** Whether an accepted connection may stay. */
export type BudgetAnswer =
  | 'stays'
  /** Why not; `isNews` is true once a second, so that a crowd does not fill the log. */
  | { readonly refused: string; readonly isNews: boolean };

const MOST_KEPT = 64;
const KEPT_PART = 8;
const SECOND_MS = 1_000;

/**
 * Keeps some of the process's file descriptors for what must go on: renewing the certificate, writing facts, dialling
 * for what is open, telling its status. Without it the system would close connections in silence once none is left.
 */
export class DescriptorBudget {
  readonly #options: DescriptorBudgetOptions;
  #limit: number | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: DescriptorBudgetOptions) {
    this.#options = options;
  }

  /** @param fd the descriptor that a connection got: the system gives the lowest that is free. */
  admit(fd: number): BudgetAnswer {
    const nowMs = this.#options.clock.elapsedMs();
    if (nowMs - this.#readAtMs >= SECOND_MS) {
      this.#limit = this.#options.limit();
      this.#readAtMs = nowMs;
    }
    const limit = this.#limit;
    if (limit === undefined) return 'stays';
    const kept = Math.min(MOST_KEPT, Math.ceil(limit / KEPT_PART));
    if (fd < limit - kept) return 'stays';
    const isNews = nowMs - this.#toldAtMs >= SECOND_MS;
    if (isNews) this.#toldAtMs = nowMs;
    const refused = `this process may have ${limit} file descriptors and keeps the last ${kept} for itself; raise the limit (ulimit -n, LimitNOFILE)`;
    return { refused, isNews };
  }
}
