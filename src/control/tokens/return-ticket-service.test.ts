import { createContextValues, type HandlerContext } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { memoryTicketRecords } from '../../../test/kit/memory-ticket-records.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { ticketHash } from '../../attestation/return-ticket.ts';
import { ReturnTickets } from '../../attestation/return-tickets.ts';
import { svidAttestor } from '../../attestation/svid-attestor.ts';
import { memoryStore } from '../../store/memory-store.ts';
import { type PeerEvidence, peerEvidenceKey } from '../issuance/peer-evidence.ts';
import { Revocations } from '../revocation/revocations.ts';
import { returnTicketService } from './return-ticket-service.ts';

const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';

/** The service for a caller with an SVID; `meanwhile` happens while its ticket is made. */
async function setUp(meanwhile: (revocations: Revocations) => void = () => undefined) {
  const clock = new ManualClock();
  const authority = testAuthority({ nowMs: clock.now() });
  const events = { certificateRevoked: () => undefined };
  const revocations = await Revocations.load({ store: memoryStore({ clock }), clock, events });
  const records = memoryTicketRecords();
  const tickets = new ReturnTickets({
    ...{ records, clock, graceMs: 1_000, trustDomain: authority.trustDomain },
    async uidOf() {
      meanwhile(revocations);
      return 'uid';
    },
    reused: async () => undefined,
  });
  const attestor = svidAttestor({
    ...{ bundles: () => authority.bundle, clock, refuseRevoked: () => undefined },
  });
  const service = returnTicketService({ tickets, attestor, revocations });
  const { chain } = authority.issue(REVIEWS);
  const peer: PeerEvidence = { chain, address: 'here' };
  const values = createContextValues().set(peerEvidenceKey, peer);
  const keep = (changes: object = {}) => {
    const request = { ticketId: '', secretSha256: ticketHash('a'), place: ticketHash('b') };
    type Request = Parameters<typeof service.keepReturnTicket>[0];
    return service.keepReturnTicket(
      { ...request, ...changes } as Request,
      { values } as HandlerContext,
    );
  };
  return { keep, records, notAfterMs: chain[0]?.notAfterMs ?? 0, callers: revocations.callers };
}

it('gives a ticket that ends the grace after the certificate', async () => {
  const { keep, records, notAfterMs } = await setUp();
  const { ticketId, expiresAtMs } = await keep();
  expect(expiresAtMs).toBe(BigInt(notAfterMs + 1_000));
  expect([...records.all.keys()]).toEqual([ticketId]);
});

it.each([{ ticketId: '../x' }, { secretSha256: 'a' }, { place: '' }])(
  'refuses %j',
  async (changes) => {
    const { keep, records } = await setUp();
    await expect(keep(changes)).rejects.toThrow(/not well formed/);
    expect(records.all.size).toBe(0);
  },
);

it('leaves no ticket to an identity that was revoked while it was made', async () => {
  const { keep, records, callers } = await setUp((present) => {
    const order = { certificates: [], reason: 'keyCompromise', actor: 'test' } as const;
    void present.revoke({ ...order, identity: REVIEWS });
  });
  await expect(keep()).rejects.toThrow(/was revoked while its ticket was made/);
  expect(records.all.size).toBe(0);
  expect(callers.size).toBe(0);
});
