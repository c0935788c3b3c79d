import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { keepReturnTicket } from './keep-return-ticket.ts';
import type { StoredTicket } from './return-ticket-file.ts';

const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';

async function start() {
  const clock = new ManualClock();
  const authority = testAuthority({ nowMs: clock.now() });
  const identity = new WatchableValue<Identity>(authority.identity(REVIEWS));
  const disk: { ticket: StoredTicket | undefined } = { ticket: undefined };
  const plane = { calls: 0, away: false, withoutTickets: false };
  const failures: string[] = [];
  const stopping = new AbortController();
  const running = keepReturnTicket({
    ...{ identity, clock, place: 'here', enrolledWith: undefined },
    file: {
      read: () => disk.ticket,
      write(ticket) {
        disk.ticket = ticket;
      },
      remove() {
        disk.ticket = undefined;
      },
    },
    async call(_identity, { ticketId }) {
      plane.calls += 1;
      if (plane.away) throw new Error('away');
      if (plane.withoutTickets) return { ticketId: '', expiresAtMs: 0 };
      return { ticketId: ticketId === '' ? 'one' : ticketId, expiresAtMs: clock.now() + 1_000 };
    },
    events: { ticketFailed: ({ reason }) => failures.push(reason) },
  })(stopping.signal);
  await clock.advance(1);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  return { clock, authority, identity, disk, plane, failures, stop };
}

it('has a ticket on the disk for the first certificate, with the roots that are trusted', async () => {
  const { disk, identity, stop } = await start();
  expect(disk.ticket).toMatchObject({ id: 'one', roots: identity.current.bundle.toPem() });
  await stop();
});

it('has the roots of now in it as soon as they change, whatever the control plane does', async () => {
  const { disk, identity, plane, clock, stop } = await start();
  plane.away = true;
  const { bundle } = identity.current;
  const other = testAuthority({ nowMs: clock.now() }).bundle;
  const both = TrustBundle.of(bundle.trustDomain, [
    ...bundle.x509Authorities,
    ...other.x509Authorities,
  ]);
  identity.set({ ...identity.current, bundle: both });
  expect(disk.ticket?.roots).toBe(both.toPem());
  identity.set({ ...identity.current, bundle: other });
  expect(disk.ticket).toMatchObject({ id: 'one', roots: other.toPem() });
  expect(plane.calls).toBe(1);
  await stop();
});

it('is prolonged with each certificate, not more often than each minute, and tried again', async () => {
  const { authority, identity, plane, clock, failures, stop } = await start();
  plane.away = true;
  identity.set(authority.identity(REVIEWS));
  await clock.advance(30_000);
  expect(plane.calls).toBe(1);
  await clock.advance(31_000);
  expect(failures[0]).toBe('away');
  plane.away = false;
  await clock.advance(600_000);
  const { calls } = plane;
  await clock.advance(600_000);
  expect(plane.calls).toBe(calls);
  await stop();
});

it('keeps nothing where the operator wants no tickets', async () => {
  const { authority, identity, plane, disk, clock, stop } = await start();
  plane.withoutTickets = true;
  identity.set(authority.identity(REVIEWS));
  await clock.advance(61_000);
  expect(disk.ticket).toBeUndefined();
  const { bundle } = testAuthority({ nowMs: clock.now() });
  identity.set({ ...identity.current, bundle });
  expect(disk.ticket).toBeUndefined();
  await stop();
});
