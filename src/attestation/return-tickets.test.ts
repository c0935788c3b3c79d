import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { memoryTicketRecords } from '../../test/kit/memory-ticket-records.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import type { AttestedCaller } from './attestor.ts';
import { formatTicketUse, newTicketSecret, ticketHash } from './return-ticket.ts';
import { type KeepRequest, ReturnTickets } from './return-tickets.ts';

const HOUR = 3_600_000;
const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');
const place = 'ab'.repeat(32);
let clock: ManualClock;
let records: ReturnType<typeof memoryTicketRecords>;
let uids: Map<string, string>;
let reused: string[];
let tickets: ReturnTickets;

function withGrace(graceMs: number): ReturnTickets {
  return new ReturnTickets({
    ...{ records, graceMs, clock, trustDomain: TrustDomain.parse('cluster.local') },
    uidOf: async (namespace, name) => uids.get(`${namespace}/${name}`),
    reused: async (record) => void reused.push(...record.serials),
  });
}

beforeEach(() => {
  clock = new ManualClock();
  records = memoryTicketRecords();
  uids = new Map([['shop/reviews', 'uid-1']]);
  reused = [];
  tickets = withGrace(72 * HOUR);
});

async function kept(changes: Partial<KeepRequest> = {}) {
  const secret = newTicketSecret();
  const request = { id, serial: 'a1', notAfterMs: clock.now() + HOUR, ticketId: undefined, place };
  const record = await tickets.keep({ ...request, secretHash: ticketHash(secret), ...changes });
  if (record === undefined) throw new Error('no ticket');
  return { secret, record, ticketId: record.id };
}

/** One use, by a key, with the successor that it names. */
async function use(
  ticketId: string,
  secret: string,
  { next = newTicketSecret(), key = 'key', at = place } = {},
): Promise<{ readonly caller: AttestedCaller; readonly next: string }> {
  const successorHash = ticketHash(next);
  const bearer = formatTicketUse({ id: ticketId, secret, successorHash, place: at });
  const caller = await tickets.attest({ bearer, chain: [] });
  if (caller === undefined) throw new Error('not taken for a ticket');
  await caller.confirm(key);
  return { caller, next };
}

describe('a return ticket', () => {
  it('brings its workload back again and again, each time by another secret', async () => {
    const { ticketId, secret } = await kept();
    let present = secret;
    for (let i = 0; i < 20; i++) {
      const { caller, next } = await use(ticketId, present);
      expect([caller.id.toString(), caller.by]).toEqual([id.toString(), 'return-ticket']);
      present = next;
    }
    expect(reused).toEqual([]);
  });

  it('is kept as a hash', async () => {
    const { secret } = await kept();
    expect(JSON.stringify([...records.all.values()])).not.toContain(secret);
  });

  it('is good for the grace after its certificate, and not a moment longer', async () => {
    const { ticketId, secret } = await kept();
    await clock.advance(73 * HOUR - 1);
    const { next } = await use(ticketId, secret);
    await clock.advance(1);
    await expect(use(ticketId, next)).rejects.toThrow(/expired 0ms ago: the sidecar was away/);
  });

  it('lasts longer with each certificate that its owner shows', async () => {
    const { ticketId, secret } = await kept();
    await clock.advance(HOUR);
    const again = await kept({ ticketId, secretHash: ticketHash(secret), serial: 'b2' });
    expect(again.ticketId).toBe(ticketId);
    expect(again.record.serials).toEqual(['b2', 'a1']);
    await clock.advance(73 * HOUR - 1);
    await expect(use(ticketId, secret)).resolves.toBeDefined();
  });

  it('is withdrawn with its certificates when a used secret is shown again', async () => {
    const { ticketId, secret } = await kept();
    const { caller, next } = await use(ticketId, secret);
    await caller.issued?.({ serial: 'b2' });
    await expect(use(ticketId, secret, { key: 'thief' })).rejects.toThrow(/was used before/);
    expect(reused).toEqual(['b2', 'a1']);
    await expect(use(ticketId, next)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });

  it('is withdrawn also when the copy is many uses old', async () => {
    const { ticketId, secret } = await kept();
    let present = secret;
    for (let i = 0; i < 10; i++) present = (await use(ticketId, present)).next;
    await expect(use(ticketId, secret)).rejects.toThrow(/was used before/);
  });

  it('answers the same use of the same key again, and refuses it to another key', async () => {
    const { ticketId, secret } = await kept();
    const { next } = await use(ticketId, secret, { key: 'one' });
    await expect(use(ticketId, secret, { next, key: 'one' })).resolves.toBeDefined();
    await expect(use(ticketId, secret, { next, key: 'two' })).rejects.toThrow(/another key/);
    expect(reused).toEqual([]);
    await expect(use(ticketId, next)).resolves.toBeDefined();
  });

  it('lets one of two win that come at the same time', async () => {
    const { ticketId, secret } = await kept();
    const next = newTicketSecret();
    const both = ['one', 'two'].map((key) => use(ticketId, secret, { next, key }));
    const outcomes = (await Promise.allSettled(both)).map(({ status }) => status);
    expect(outcomes.filter((status) => status === 'fulfilled')).toHaveLength(1);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'another place',
      async () => {
        const { ticketId, secret } = await kept();
        return use(ticketId, secret, { at: 'cd'.repeat(32) });
      },
      /another machine or state directory/,
    ],
    [
      'an account that was made again',
      async () => {
        const { ticketId, secret } = await kept();
        uids.set('shop/reviews', 'uid-2');
        return use(ticketId, secret);
      },
      /service account that was deleted/,
    ],
    [
      'a policy that changed to none',
      async () => {
        const { ticketId, secret } = await kept();
        tickets = withGrace(0);
        return use(ticketId, secret);
      },
      /is not accepted/,
    ],
    ['a text that is none', async () => tickets.attest({ bearer: 'hbr1.x', chain: [] }), /form/],
    ['an unknown ticket', async () => use('0'.repeat(16), newTicketSecret()), /not known here/],
    [
      'a secret that nobody chose',
      async () => use((await kept()).ticketId, newTicketSecret()),
      /not known here/,
    ],
  ])('is refused for %s, and nothing is withdrawn', async (_, attempt, message) => {
    await expect(attempt()).rejects.toThrow(message);
    expect(reused).toEqual([]);
  });

  it('is not given away where the operator wants none, nor to identities without an account', async () => {
    const secretHash = ticketHash('x');
    const request = { id, serial: 'a', notAfterMs: 0, ticketId: undefined, place, secretHash };
    expect(await withGrace(0).keep(request)).toBeUndefined();
    const other = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/nobody');
    await expect(tickets.keep({ ...request, id: other })).rejects.toMatchObject({
      code: 'ERR_FORBIDDEN',
    });
  });

  it('of somebody else cannot be kept', async () => {
    const { ticketId } = await kept();
    uids.set('shop/other', 'uid-9');
    const other = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/other');
    expect((await kept({ id: other, ticketId })).ticketId).not.toBe(ticketId);
    expect((await kept({ place: 'cd'.repeat(32), ticketId })).ticketId).not.toBe(ticketId);
    expect(records.all.get(ticketId)?.serials).toEqual(['a1']);
  });

  it('is one of 256 at most of an account, and gone with a revocation of it', async () => {
    for (let i = 0; i < 256; i++) await kept();
    await expect(kept()).rejects.toMatchObject({ code: 'ERR_LIMIT' });
    expect(await tickets.discard('shop', 'reviews')).toBe(256);
    expect(records.all.size).toBe(0);
  });

  it('covers the certificates of its owner after they have expired', async () => {
    await kept();
    await clock.advance(73 * HOUR - 1);
    expect(await tickets.covers(id, 'a1')).toBe(true);
    expect(await tickets.covers(id, 'a2')).toBe(false);
    await clock.advance(1);
    expect(await tickets.covers(id, 'a1')).toBe(false);
  });
});
