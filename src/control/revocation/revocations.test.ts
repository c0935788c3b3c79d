import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { MeshError } from '../../lib/errors.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store } from '../../store/store.ts';
import type { IssuedRecord } from '../issuance/issuance-ledger.ts';
import { REVOCATION_KIND } from './revocation-resource.ts';
import { Revocations } from './revocations.ts';

const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';
const HOUR_MS = 3_600_000;

async function setUp(more: { readonly store?: Store; readonly maxRevocations?: number } = {}) {
  const clock = new ManualClock();
  const { store = memoryStore({ clock }), ...bounds } = more;
  const told: string[] = [];
  const events = { certificateRevoked: ({ serial }: { serial: string }) => told.push(serial) };
  const revocations = await Revocations.load({ store, clock, events, ...bounds });
  const issued = (serial: string): IssuedRecord => ({
    ...{ serial, id: REVIEWS, issuerSerial: 'ca', attestor: 'svid', peerAddress: '10.0.0.7:1' },
    ...{ notBeforeMs: 0, issuedAtMs: 0, notAfterMs: clock.now() + HOUR_MS },
  });
  const order = (identity: string | undefined, ...serials: readonly string[]) => ({
    ...{ identity, reason: 'superseded' as const, actor: 'test' },
    certificates: serials.map(issued),
  });
  return { clock, store, told, revocations, order };
}

describe('Revocations', () => {
  it('refuses from the call on, and again after a restart', async () => {
    const { revocations, order, store, told } = await setUp();
    const done = revocations.revoke(order(undefined, 'aa'));
    expect(() => revocations.refuse('aa')).toThrow(
      /aa of ".*reviews" was revoked .* enrol .* anew/,
    );
    expect(() => revocations.refuse('ab')).not.toThrow();
    await done;
    expect(told).toEqual(['aa']);
    const again = await setUp({ store });
    expect(() => again.revocations.refuse('aa')).toThrow(MeshError);
  });

  it('leaves what was revoked before as it was', async () => {
    const { revocations, order, clock } = await setUp();
    await revocations.revoke(order(undefined, 'aa'));
    const before = revocations.get('aa');
    await clock.advance(1_000);
    const fresh = await revocations.revoke(order(undefined, 'aa', 'ab'));
    expect(fresh.map(({ serial }) => serial)).toEqual(['ab']);
    expect(revocations.get('aa')).toEqual(before);
  });

  it('revokes nothing when the store does not take it', async () => {
    const { revocations, order, store, told } = await setUp();
    store.close();
    await expect(revocations.revoke(order(undefined, 'aa'))).rejects.toMatchObject({
      code: 'ERR_STORE',
    });
    expect([revocations.list(), told]).toEqual([[], []]);
  });

  it('refuses more than its bound', async () => {
    const { revocations, order } = await setUp({ maxRevocations: 1 });
    await revocations.revoke(order(undefined, 'aa'));
    await expect(revocations.revoke(order(undefined, 'ab'))).rejects.toMatchObject({
      code: 'ERR_LIMIT',
    });
    expect(() => revocations.refuse('ab')).not.toThrow();
  });

  it('forgets a revocation an hour after the certificate has expired, not before', async () => {
    const { revocations, order, store, clock } = await setUp();
    await revocations.revoke(order(undefined, 'aa'));
    await clock.advance(2 * HOUR_MS - 1);
    await revocations.dropExpired();
    expect(revocations.list()).toHaveLength(1);
    await clock.advance(1);
    await revocations.dropExpired();
    expect(revocations.list()).toEqual([]);
    expect((await store.list(REVOCATION_KIND)).items).toEqual([]);
  });

  it('ends the calls of a revoked certificate or identity in the same turn, and no others', async () => {
    const { revocations, order } = await setUp();
    const { callers } = revocations;
    const calls = {
      sameSerial: callers.begin(REVIEWS, 'aa'),
      sameIdentity: callers.begin(REVIEWS, 'expired'),
      enrolling: callers.begin(REVIEWS, ''),
      other: callers.begin('spiffe://cluster.local/ns/shop/sa/products', 'ac'),
    };
    const aborted = () =>
      Object.entries(calls).flatMap(([name, { signal }]) => (signal.aborted ? [name] : []));
    void revocations.revoke(order(undefined, 'aa'));
    expect(aborted()).toEqual(['sameSerial']);
    const all = revocations.revoke(order(REVIEWS, 'ab'));
    expect(aborted()).toEqual(['sameSerial', 'sameIdentity', 'enrolling']);
    await all;
    for (const call of Object.values(calls)) call.done();
    expect(callers.size).toBe(0);
  });
});
