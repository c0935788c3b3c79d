import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { memoryTicketRecords } from '../../../test/kit/memory-ticket-records.ts';
import type { TicketRecord } from '../../attestation/return-tickets.ts';
import { memoryStore } from '../../store/memory-store.ts';
import { ticketSecrets } from './ticket-secrets.ts';

const record: TicketRecord = {
  ...{ id: '0123456789abcdef', namespace: 'shop', serviceAccount: 'reviews', accountUid: 'u' },
  ...{ place: 'p', secretHash: 'a', spentHashes: ['b'], lastKey: undefined, serials: ['1'] },
  expiresAtMs: 5_000,
};

const secrets = () => ticketSecrets(memoryStore({ clock: new ManualClock() }), 'istio-system');

describe.each([
  ['in Secrets', secrets],
  ['in memory', memoryTicketRecords],
])('records of return tickets %s', (_, open) => {
  it('come back as they were', async () => {
    const records = open();
    expect(await records.get(record.id)).toBeUndefined();
    await records.create(record);
    expect(await records.get(record.id)).toEqual(record);
    expect(await records.of('shop', 'reviews')).toEqual([record]);
    expect(await records.of('shop', 'other')).toEqual([]);
  });

  it('are replaced by whoever has read the newest', async () => {
    const records = open();
    await records.create(record);
    const [one, two] = [await records.get(record.id), await records.get(record.id)];
    if (one === undefined || two === undefined) throw new Error('not stored');
    expect(await records.replace(one, { ...one, secretHash: 'c', lastKey: 'k' })).toBe(true);
    expect(await records.replace(two, { ...two, secretHash: 'd' })).toBe(false);
    expect(await records.get(record.id)).toMatchObject({ secretHash: 'c', lastKey: 'k' });
  });

  it('are gone once deleted, and are not brought back by a late replacement', async () => {
    const records = open();
    await records.create(record);
    const read = await records.get(record.id);
    await records.delete([record.id, 'fedcba9876543210']);
    expect(await records.get(record.id)).toBeUndefined();
    expect(read && (await records.replace(read, { ...read, secretHash: 'c' }))).toBe(false);
  });
});

it('forgets return tickets at their end', async () => {
  const records = secrets();
  await records.create(record);
  expect(await records.dropExpired(4_999)).toBe(0);
  expect(await records.dropExpired(5_000)).toBe(1);
  expect(await records.get(record.id)).toBeUndefined();
});

it('finds after a restart what was stored before', async () => {
  const store = memoryStore({ clock: new ManualClock() });
  await ticketSecrets(store, 'istio-system').create(record);
  const again = ticketSecrets(store, 'istio-system');
  expect(await again.of('shop', 'reviews')).toEqual([record]);
  expect(await again.dropExpired(5_000)).toBe(1);
});
