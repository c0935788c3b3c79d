/** Time as an argument: everything that waits or looks at the time is given one. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. */
  now(): number;
  /**
   * Milliseconds since some moment of this process, for how long something takes: setting the wall clock,
   * forwards or back, does not change it.
   */
  elapsedMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own clock. A task that sleeps keeps the process alive, until its signal aborts. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsedMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
      signal.addEventListener('abort', done, { once: true });
    }),
};
