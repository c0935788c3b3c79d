import type { IdentityEvents } from '../../agent/identity/identity-manager.ts';
import type { Logger } from '../../telemetry/process-log.ts';

/** How renewal goes, for the status. */
export interface RenewalStatus {
  /** In a row, since the last certificate that was received. */
  readonly failures: number;
  readonly lastError: string | undefined;
}

const WELL: RenewalStatus = { failures: 0, lastError: undefined };

/** Logs what happens to the certificate, remembers how renewal goes, and tells the others. */
export function identityEvents(
  log: Logger,
  others: readonly Pick<IdentityEvents, 'svidIssued' | 'renewalFailed'>[],
): { readonly events: IdentityEvents; readonly renewal: () => RenewalStatus } {
  let renewal = WELL;
  const events: IdentityEvents = {
    svidIssued: (event) => {
      const { svid } = event.identity;
      const [leaf] = svid.chain;
      const notAfter = new Date(leaf?.notAfterMs ?? 0).toISOString();
      const { renewal: again } = event;
      log.info(
        { id: svid.id.toString(), serial: leaf?.serial, notAfter, renewal: again },
        'certificate received',
      );
      renewal = WELL;
      for (const other of others) other.svidIssued(event);
    },
    renewalFailed: (event) => {
      log.warn(event, 'no certificate received, trying again');
      renewal = { failures: event.failures, lastError: event.reason };
      for (const other of others) other.renewalFailed(event);
    },
  };
  return { events, renewal: () => renewal };
}
