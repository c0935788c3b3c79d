import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import type { TokenRecord } from '../../attestation/token-ledger.ts';
import { memoryStore } from '../../store/memory-store.ts';
import { tokenSecrets } from './token-secrets.ts';

const record: TokenRecord = {
  id: '0123456789abcdef',
  secretHash: 'ab'.repeat(32),
  namespace: 'shop',
  serviceAccount: 'reviews',
  expiresAtMs: Date.UTC(2026, 0, 2),
  rootFingerprint: 'ab'.repeat(32),
  spent: undefined,
};
const spent = { keyFingerprint: 'cd'.repeat(32), atMs: Date.UTC(2026, 0, 1) };

it('keeps records as Secrets and lets only one of two spend a token', async () => {
  const records = tokenSecrets(memoryStore({ clock: new ManualClock() }), 'istio-system');
  await records.create(record);
  expect(await records.get(record.id)).toEqual(record);
  const outcomes = await Promise.all([
    records.spend(record, spent),
    records.spend(record, { ...spent, keyFingerprint: 'ef' }),
  ]);
  expect(outcomes.filter(Boolean)).toHaveLength(1);
  expect((await records.get(record.id))?.spent).toBeDefined();
  expect(await records.spend(record, spent)).toBe(false);
});

it('discards the unused tokens of one service account', async () => {
  const records = tokenSecrets(memoryStore({ clock: new ManualClock() }), 'istio-system');
  const used = { ...record, id: 'aaaaaaaaaaaaaaaa' };
  const others = { ...record, id: 'bbbbbbbbbbbbbbbb', serviceAccount: 'products' };
  for (const each of [record, used, others]) await records.create(each);
  await records.spend(used, spent);
  expect(await records.discardUnused('shop', 'reviews')).toBe(1);
  const left = await Promise.all([record, used, others].map(({ id }) => records.get(id)));
  expect(left.map((each) => each?.id)).toEqual([undefined, used.id, others.id]);
  expect(await records.discardUnused('shop', 'reviews')).toBe(0);
});

it('knows no token that was never made', async () => {
  const records = tokenSecrets(memoryStore({ clock: new ManualClock() }), 'istio-system');
  expect(await records.get('0000000000000000')).toBeUndefined();
  expect(await records.spend(record, spent)).toBe(false);
});

it('forgets tokens some time after they were spent or had expired, and no other', async () => {
  const records = tokenSecrets(memoryStore({ clock: new ManualClock() }), 'istio-system');
  const waiting = { ...record, id: 'aaaaaaaaaaaaaaaa', expiresAtMs: Date.UTC(2026, 0, 9) };
  const used = { ...waiting, id: 'bbbbbbbbbbbbbbbb' };
  for (const each of [record, waiting, used]) await records.create(each);
  await records.spend(used, spent);
  expect(await records.dropOld(spent.atMs - 1)).toBe(0);
  expect(await records.dropOld(spent.atMs)).toBe(1);
  expect(await records.dropOld(record.expiresAtMs)).toBe(1);
  expect(await records.get(waiting.id)).toEqual(waiting);
});
