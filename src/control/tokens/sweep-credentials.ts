import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import type { ControlEvents } from '../control-events.ts';

export interface SweepOptions {
  readonly tokens: { dropOld(beforeMs: number): Promise<number> };
  readonly tickets: { dropExpired(): Promise<number> };
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'taskFailed'>;
}

const SWEEP_MS = 600_000;
/** So long a token that is shown again is told when it was used, instead of that nobody knows it. */
const KEPT_MS = 7 * 86_400_000;

/** Removes enrolment tokens a week after they were spent or expired, and return tickets at their end. */
export function sweepCredentials({ tokens, tickets, clock, events }: SweepOptions): Task {
  return async (signal) => {
    while (!signal.aborted) {
      try {
        await tokens.dropOld(clock.now() - KEPT_MS);
        await tickets.dropExpired();
      } catch (error) {
        events.taskFailed({ task: 'remove old tokens', reason: messageOf(error) });
      }
      await clock.sleep(SWEEP_MS, signal);
    }
  };
}
