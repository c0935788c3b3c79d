import { keepReturnTicket, keepTicketCall } from '../../agent/identity/keep-return-ticket.ts';
import { type ReturnPath, tokenHash } from '../../agent/identity/obtain-svid.ts';
import { returnTicketFile } from '../../agent/identity/return-ticket-file.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Task } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { Logger } from '../../telemetry/process-log.ts';
import { ownPlace } from './own-place.ts';
import type { SidecarConfig } from './sidecar-config.ts';

/** How the sidecar of a state directory comes back after a crash or a reboot. */
export function returnPath({ stateDir }: SidecarConfig, log: Logger): ReturnPath {
  const problem = (sentence: string): void => log.warn(sentence);
  return { file: returnTicketFile(stateDir, problem), place: ownPlace(stateDir), problem };
}

/** Keeps the return ticket good for the newest certificate. */
export function keepReturning(
  { controlPlane: address, rootNamespace, token }: SidecarConfig,
  { file, place }: ReturnPath,
  identity: Watchable<Identity>,
  log: Logger,
): Task {
  return keepReturnTicket({
    ...{ identity, file, place, clock: systemClock },
    enrolledWith: token === undefined ? undefined : tokenHash(token),
    call: keepTicketCall({ address, rootNamespace }),
    events: {
      ticketFailed: (event) =>
        log.warn(event, 'no return ticket: after a crash this sidecar needs a new token'),
    },
  });
}
