import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import { type MeshFacts, noFacts } from '../../policy/mesh-facts.ts';
import type { CertificateRevocation } from '../../resources/kinds/certificate-revocation.ts';
import { RevocationGuard } from './revocation-guard.ts';

const GRACE_MS = 2_000;

const revoked = (serial: string): CertificateRevocation => ({
  apiVersion: 'security.hauberk.dev/v1alpha1',
  kind: 'CertificateRevocation',
  metadata: { name: serial },
  spec: {
    ...{ identity: 'spiffe://cluster.local/x', issuerSerial: '0a', reason: 'keyCompromise' },
    ...{ revokedAt: '2026-01-01T00:00:00.000Z', notAfter: '2036-01-01T00:00:00.000Z' },
  },
});

function guarded() {
  const clock = new ManualClock();
  const facts = new WatchableValue<MeshFacts>(noFacts);
  const guard = new RevocationGuard(facts, clock);
  const told = { changes: 0, authorities: 0 };
  guard.onChange(() => {
    told.changes += 1;
  });
  guard.onAuthority(() => {
    told.authorities += 1;
  });
  const revoke = (...serials: readonly string[]): void =>
    facts.set({ ...facts.current, revocations: serials.map(revoked) });
  const admit = (peerSerial: string, authoritySerials: readonly string[] = []): Socket => {
    const socket = new Socket();
    socket.on('error', () => undefined);
    guard.admit(socket, { ownSerial: '01', peerSerial, authoritySerials });
    return socket;
  };
  return { clock, facts, guard, told, revoke, admit };
}

describe('RevocationGuard', () => {
  it('cuts connections of a revoked certificate, and no others', async () => {
    const { clock, guard, told, revoke, admit } = guarded();
    const [bad, good] = [admit('0b'), admit('0c')];
    revoke('0b');
    await clock.advance(0);
    expect([bad.destroyed, good.destroyed]).toEqual([true, false]);
    expect(told).toEqual({ changes: 1, authorities: 0 });
    expect(() => admit('0b')).toThrow(/certificate 0b of .* was revoked/);
    expect(guard.refusal({ ownSerial: '01', peerSerial: '0c' })).toBeUndefined();
  });

  it('looks at nothing when other facts change', () => {
    const { facts, told } = guarded();
    facts.set({ ...facts.current, services: [] });
    expect(told.changes).toBe(0);
  });

  it('gives peers of a revoked authority two seconds to come with another, once', async () => {
    const { clock, guard, told, revoke, admit } = guarded();
    const socket = admit('0b', ['aa']);
    revoke('aa');
    await clock.advance(GRACE_MS - 1);
    expect(socket.destroyed).toBe(false);
    expect(guard.refusal({ ownSerial: '01', peerSerial: '0b' })).toBeUndefined();
    expect(told.authorities).toBe(1);
    await clock.advance(1);
    expect(socket.destroyed).toBe(true);
    // Not again with the next change, when it is about somebody else.
    admit('0d', ['bb']);
    revoke('aa', 'ff');
    await clock.advance(GRACE_MS);
    expect(told.authorities).toBe(1);
  });

  it('says of what an authority proved that it may be no more, when its grace is over', async () => {
    const { clock, guard, revoke, admit } = guarded();
    admit('0b', ['aa']);
    const refusals: (string | undefined)[] = [];
    guard.onChange(() => refusals.push(guard.refusal({ ownSerial: '01', peerSerial: '0b' })));
    revoke('aa');
    await clock.advance(GRACE_MS);
    expect(refusals).toEqual([undefined, expect.stringMatching(/certificate aa of/)]);
  });

  it('does nothing more when it is stopped', async () => {
    const { clock, guard, told, revoke, admit } = guarded();
    const [one, other] = [admit('0b', ['aa']), admit('0c')];
    revoke('aa');
    guard.stop();
    await clock.advance(GRACE_MS);
    revoke('aa', '0c');
    await clock.advance(GRACE_MS);
    expect([one.destroyed, other.destroyed]).toEqual([false, false]);
    expect(told).toEqual({ changes: 1, authorities: 1 });
  });
});
