import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { memoryTicketRecords } from '../../../test/kit/memory-ticket-records.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { newTicketSecret, ticketHash } from '../../attestation/return-ticket.ts';
import { ReturnTickets } from '../../attestation/return-tickets.ts';
import { MeshError } from '../../lib/errors.ts';
import type { StoredTicket } from './return-ticket-file.ts';
import { returnWithTicket } from './return-with-ticket.ts';

const authority = testAuthority();
const identity = authority.identity('spiffe://cluster.local/ns/shop/sa/reviews');
const place = 'ab'.repeat(32);

/** What becomes of one call on its way. */
type Fate = 'answered' | 'answer lost' | 'never sent' | 'crash before';

async function setUp() {
  const reused: string[] = [];
  const clock = new ManualClock();
  const tickets = new ReturnTickets({
    ...{ records: memoryTicketRecords(), graceMs: 3_600_000, clock },
    trustDomain: authority.trustDomain,
    uidOf: async () => 'uid',
    reused: async ({ id }) => void reused.push(id),
  });
  const secret = newTicketSecret();
  const record = await tickets.keep({
    ...{ id: identity.svid.id, serial: 'a', notAfterMs: clock.now(), ticketId: undefined },
    ...{ secretHash: ticketHash(secret), place },
  });
  /** What is on the disk. */
  let disk: StoredTicket = {
    ...{ id: record?.id ?? '', secrets: [secret], trustDomain: 'cluster.local', roots: '' },
    ...{ enrolledWith: undefined, expiresAtMs: 0 },
  };
  let keys = 0;
  const attempt = (fates: readonly Fate[]): Promise<unknown> => {
    const left = [...fates];
    keys += 1;
    return returnWithTicket(disk, {
      place,
      file: {
        write(next) {
          disk = next;
        },
      },
      ask: async (bearer) => {
        const fate = left.shift() ?? 'answered';
        if (fate === 'never sent') throw new MeshError('ERR_UNREACHABLE', fate);
        if (fate === 'crash before') throw new Error(fate);
        const caller = await tickets.attest({ bearer, chain: [] });
        await caller?.confirm(`key-${keys}`);
        if (fate === 'answer lost') throw new MeshError('ERR_UNREACHABLE', fate);
        return identity;
      },
    });
  };
  return { attempt, reused, secrets: () => disk.secrets };
}

it('comes back, and has one new secret then', async () => {
  const { attempt, secrets } = await setUp();
  const [before] = secrets();
  expect(await attempt([])).toBe(identity);
  expect(secrets()).toHaveLength(1);
  expect(secrets()).not.toContain(before);
});

it('comes back whatever was lost before, and is never taken for a thief', async () => {
  const fate = fc.constantFrom<Fate>('answer lost', 'never sent', 'crash before', 'answered');
  const attempts = fc.array(fc.array(fate, { maxLength: 4 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(attempts, async (history) => {
      const { attempt, reused, secrets } = await setUp();
      for (const fates of history) await attempt(fates).catch(() => undefined);
      expect(await attempt([])).toBe(identity);
      expect(reused).toEqual([]);
      expect(secrets()).toHaveLength(1);
    }),
    { numRuns: 300 },
  );
});

it('does not let the file grow while the control plane is away', async () => {
  const { attempt, secrets } = await setUp();
  for (let i = 0; i < 50; i++) await attempt(['never sent']).catch(() => undefined);
  expect(secrets().length).toBeLessThanOrEqual(8);
  expect(await attempt([])).toBe(identity);
});

it('says what to do when the ticket is known no more', async () => {
  const { attempt } = await setUp();
  const stranger = await setUp();
  await attempt([]);
  const gone = stranger.attempt([]);
  await gone;
  const failing = returnWithTicket(
    {
      ...{ id: '0'.repeat(16), secrets: ['x'], trustDomain: 'td', roots: '' },
      ...{ enrolledWith: undefined, expiresAtMs: 0 },
    },
    {
      place,
      file: { write: () => undefined },
      ask: () => Promise.reject(new MeshError('ERR_NOT_FOUND', 'unknown')),
    },
  );
  await expect(failing).rejects.toThrow(/make a new token with `hauberk token create`/);
});
