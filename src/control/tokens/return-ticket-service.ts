import type { ServiceImpl } from '@connectrpc/connect';
import type { Attestor } from '../../attestation/attestor.ts';
import { identifyCaller } from '../../attestation/identify-caller.ts';
import { isTicketHash } from '../../attestation/return-ticket.ts';
import type { KeepRequest, ReturnTickets, TicketRecord } from '../../attestation/return-tickets.ts';
import { DELEGATED } from '../../attestation/svid-attestor.ts';
import type { ReturnTicketService } from '../../gen/hauberk/identity/v1/return_ticket_pb.js';
import { MeshError } from '../../lib/errors.ts';
import { grpcError } from '../grpc-error.ts';
import { delegated } from '../issuance/delegation.ts';
import { peerEvidenceKey } from '../issuance/peer-evidence.ts';
import type { Revocations } from '../revocation/revocations.ts';

export interface ReturnTicketServiceOptions {
  readonly tickets: Pick<ReturnTickets, 'keep' | 'discard'>;
  readonly revocations: Pick<Revocations, 'callers'>;
  /** Only callers that have a valid X.509-SVID get tickets. */
  readonly attestor: Attestor;
}

const TICKET_ID = /^(?:[a-f0-9]{16})?$/;

/** Gives workloads what they need to come back after a crash. */
export function returnTicketService(
  options: ReturnTicketServiceOptions,
): ServiceImpl<typeof ReturnTicketService> {
  const { attestor } = options;
  return {
    async keepReturnTicket({ ticketId, secretSha256: secretHash, place }, { values }) {
      try {
        const { chain } = values.get(peerEvidenceKey);
        const caller = await identifyCaller([attestor], { chain, bearer: undefined });
        if (caller.by === DELEGATED) throw delegated(caller);
        const { id } = caller;
        if (!TICKET_ID.test(ticketId) || !isTicketHash(secretHash) || !isTicketHash(place)) {
          throw new MeshError('ERR_WIRE', 'the request for a return ticket is not well formed');
        }
        const [leaf] = chain;
        const ticket = await keepUnlessRevoked(options, {
          ...{ id, serial: leaf?.serial ?? '', notAfterMs: leaf?.notAfterMs ?? 0 },
          ...{ ticketId: ticketId === '' ? undefined : ticketId, secretHash, place },
        });
        return { ticketId: ticket?.id ?? '', expiresAtMs: BigInt(ticket?.expiresAtMs ?? 0) };
      } catch (error) {
        throw grpcError(error);
      }
    },
  };
}

/** A ticket that was made while its owner was being revoked would bring it back. */
async function keepUnlessRevoked(
  { tickets, revocations }: ReturnTicketServiceOptions,
  request: KeepRequest,
): Promise<TicketRecord | undefined> {
  const { id, serial } = request;
  const call = revocations.callers.begin(id.toString(), serial);
  try {
    const ticket = await tickets.keep(request);
    if (!call.signal.aborted) return ticket;
    const { namespace = '', serviceAccount = '' } = id.workload ?? {};
    await tickets.discard(namespace, serviceAccount);
    throw new MeshError('ERR_UNAUTHENTICATED', `"${id}" was revoked while its ticket was made`);
  } finally {
    call.done();
  }
}
