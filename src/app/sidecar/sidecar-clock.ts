import type { ClockComparison } from '../../agent/identity/clock-skew.ts';
import { Heartbeat } from '../../agent/link/heartbeat.ts';
import type { Clock } from '../../lib/clock.ts';
import { watchClockJumps } from '../../lib/clock-jumps.ts';
import { runTasks, type Task } from '../../lib/tasks.ts';

/** How a sidecar's clock is, for its status. Times in milliseconds since 1970. */
export interface ClockStatus {
  /** This host's clock minus the control plane's; undefined while nothing was measured. */
  readonly skewMs: number | undefined;
  readonly uncertaintyMs: number | undefined;
  readonly measuredAtMs: number | undefined;
  /** How often the clock was set or the machine slept, since the sidecar started. */
  readonly jumps: number;
  readonly lastJump: { readonly atMs: number; readonly byMs: number } | undefined;
  /** What to say where a certificate seems out of time; undefined when the clocks agree. */
  readonly note: string | undefined;
}

export interface SidecarClockOptions {
  readonly clock: Clock;
  readonly comparison: ClockComparison;
  readonly node: () => string;
  readonly jumped: (byMs: number) => void;
}

/** Watches a sidecar's clock: against the control plane's, and against time that nobody sets. */
export class SidecarClock {
  readonly comparison: ClockComparison;
  readonly heartbeat: Heartbeat;
  readonly run: Task;
  readonly #clock: Clock;
  #jumps = 0;
  #lastJump: ClockStatus['lastJump'];

  constructor({ clock, comparison, node, jumped }: SidecarClockOptions) {
    this.#clock = clock;
    this.comparison = comparison;
    this.heartbeat = new Heartbeat({ clock, comparison, node });
    const watch = watchClockJumps({
      clock,
      jumped: (byMs) => {
        this.#jumps += 1;
        this.#lastJump = { atMs: clock.now(), byMs };
        this.heartbeat.soon();
        jumped(byMs);
      },
    });
    this.run = (signal) => runTasks(signal, [watch, this.heartbeat.run]);
  }

  get status(): ClockStatus {
    const { skewMs, uncertaintyMs, measuredAtMs } = this.comparison.skew.current ?? {};
    const note = this.comparison.note(this.#clock.now());
    const jumps = { jumps: this.#jumps, lastJump: this.#lastJump };
    return { skewMs, uncertaintyMs, measuredAtMs, ...jumps, note };
  }
}
