export interface BackoffOptions {
  /** Delay after the first failure, in milliseconds. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * How many whole milliseconds to wait after the `failures`-th failure in a row (from 1): doubling from `firstMs` to
 * `maxMs`, of which a random half is taken off so that many clients do not come back together.
 */
export function backoffMs(failures: number, options: BackoffOptions): number {
  const { firstMs, maxMs, random = Math.random } = options;
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(Math.max(failures, 1) - 1, 30));
  return Math.round(full / 2 + (full / 2) * random());
}
