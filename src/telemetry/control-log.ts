import type { ControlEvents } from '../control/control-events.ts';
import type { Logger } from './process-log.ts';

/** `events`, of which those that an operator watches for are on the process log too. */
export function controlLog(events: ControlEvents, log: Logger): ControlEvents {
  return {
    ...events,
    authorityRotated(event) {
      events.authorityRotated(event);
      const { step, role, ...more } = event;
      log.info(more, `rotation of the ${role}: ${step}`);
    },
    taskFailed(event) {
      events.taskFailed(event);
      log.warn(event, 'failed, will be tried again');
    },
    factsRejected(event) {
      events.factsRejected(event);
      log.warn(event, 'an agent refused facts and keeps the old ones');
    },
  };
}
