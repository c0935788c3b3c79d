import type { Clock } from './clock.ts';
import type { Task } from './tasks.ts';

export interface ClockJumpOptions {
  readonly clock: Clock;
  /**
   * The wall clock and the time that elapsed have parted by `byMs` since the last look: positive when the wall
   * clock went ahead, as after a suspend, negative when it was set back.
   */
  readonly jumped: (byMs: number) => void;
  /** How often to look, in milliseconds. Default 5,000. */
  readonly intervalMs?: number;
  /** Smaller differences are the slewing of a time daemon. Default 2,000. */
  readonly toleranceMs?: number;
}

/** Notices within seconds that the machine was suspended, or that its clock was set. */
export function watchClockJumps(options: ClockJumpOptions): Task {
  const { clock, jumped, intervalMs = 5_000, toleranceMs = 2_000 } = options;
  const parted = (): number => clock.now() - clock.elapsedMs();
  return async (signal) => {
    let before = parted();
    while (!signal.aborted) {
      await clock.sleep(intervalMs, signal);
      const now = parted();
      if (signal.aborted) return;
      if (Math.abs(now - before) > toleranceMs) jumped(now - before);
      before = now;
    }
  };
}
