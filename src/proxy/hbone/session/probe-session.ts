import type { Http2Connection } from './http2-connection.ts';
import type { SessionProbe } from './session-probe.ts';

/** What a session does with the outcome of its probe. */
export interface ProbeOutcomes {
  /** The peer has not answered. */
  dead(): void;
  /** Nobody needs the session. */
  drain(): void;
}

/** Takes the step that is due now: asks the peer for a sign of life, or draws the conclusion. */
export function probeSession(
  probe: SessionProbe,
  connection: Pick<Http2Connection, 'streams' | 'sendPing'>,
  outcomes: ProbeOutcomes,
): void {
  switch (probe.next(connection.streams)) {
    case 'dead':
      outcomes.dead();
      return;
    case 'drain':
      outcomes.drain();
      return;
    case 'ping':
      connection.sendPing();
      return;
    case 'nothing':
  }
}
