import type { Clock } from './clock.ts';

/** By so much at most a moment is missed on a machine that was suspended, or whose clock was set forward. */
const LONGEST_NAP_MS = 30_000;

/** Resolves when the wall clock has come to `atMs`, or `signal` aborts; never rejects. */
export async function sleepUntil(atMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const restMs = atMs - clock.now();
    if (restMs <= 0) return;
    await clock.sleep(Math.min(restMs, LONGEST_NAP_MS), signal);
  }
}
