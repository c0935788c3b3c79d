import { ReturnTickets } from '../../attestation/return-tickets.ts';
import type { ControlEvents } from '../../control/control-events.ts';
import type { IssuanceLedger } from '../../control/issuance/issuance-ledger.ts';
import type { Revocations } from '../../control/revocation/revocations.ts';
import { ticketSecrets } from '../../control/tokens/ticket-secrets.ts';
import type { Clock } from '../../lib/clock.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Store } from '../../store/store.ts';

export interface ReturnTicketParts {
  readonly graceMs: number;
  readonly rootNamespace: string;
  readonly trustDomain: TrustDomain;
  readonly store: Store;
  readonly ledger: Pick<IssuanceLedger, 'withSerial'>;
  readonly revocations: Pick<Revocations, 'revoke'>;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'ticketReused'>;
}

/** Return tickets of the control plane: one that was copied takes its certificates with it. */
export function openReturnTickets(parts: ReturnTicketParts): {
  readonly tickets: ReturnTickets;
  dropExpired(): Promise<number>;
} {
  const { graceMs, rootNamespace, trustDomain, store, clock } = parts;
  const records = ticketSecrets(store, rootNamespace);
  const tickets = new ReturnTickets({
    ...{ records, trustDomain, graceMs, clock },
    uidOf: async (namespace, name) => {
      const account = await store.get({ kind: 'ServiceAccount', namespace, name });
      return account?.metadata.uid;
    },
    async reused({ id, namespace, serviceAccount, serials }) {
      const { ledger, revocations, events } = parts;
      const certificates = serials.flatMap((serial) => ledger.withSerial(serial, 1));
      const order = { certificates, identity: undefined, actor: 'return-ticket' } as const;
      await revocations.revoke({ ...order, reason: 'keyCompromise' });
      events.ticketReused({ ticketId: id, serviceAccount: `${namespace}/${serviceAccount}` });
    },
  });
  return { tickets, dropExpired: () => records.dropExpired(clock.now()) };
}
