import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { ControlEvents } from '../control-events.ts';
import type { Revocations } from '../revocation/revocations.ts';
import type { ServerIdentity } from '../server-identity.ts';
import type { IssuanceLedger } from './issuance-ledger.ts';
import { issuedRecord } from './issued-record.ts';

export interface KeepLedgerOptions {
  readonly ledger: IssuanceLedger;
  readonly revocations: Pick<Revocations, 'dropExpired'>;
  /** The control plane's own SVID, which it issues without asking anybody. */
  readonly own: Watchable<ServerIdentity>;
  readonly events: Pick<ControlEvents, 'taskFailed'>;
  readonly clock: Clock;
}

const SWEEP_MS = 60_000;

/**
 * Enters the control plane's own certificates into the ledger, and drops records and revocations of
 * what has expired.
 */
export function keepLedger(options: KeepLedgerOptions): Task {
  const { ledger, revocations, own, events, clock } = options;
  return async (signal) => {
    enter(own.current);
    const stop = own.subscribe(enter);
    while (!signal.aborted) {
      await attempt('drop expired certificates from the ledger', async () => {
        ledger.dropExpired(clock.now());
      });
      await attempt('drop expired revocations', () => revocations.dropExpired());
      await clock.sleep(SWEEP_MS, signal);
    }
    stop();
  };

  function enter({ leaf, issuer }: ServerIdentity): void {
    const about = { issuedAtMs: clock.now(), attestor: 'control-plane', peerAddress: 'local' };
    const record = issuedRecord([leaf, issuer], about);
    void attempt('enter the own certificate into the ledger', () => ledger.record(record));
  }

  async function attempt(task: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      events.taskFailed({ task, reason: messageOf(error) });
    }
  }
}
