import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { memoryAuthorityStore } from '../../test/kit/memory-authority-store.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { TrustBundle } from '../spiffe/trust-bundle.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import { verifyPeer } from '../spiffe/verify-peer.ts';
import { parseX509Svid } from '../spiffe/x509-svid.ts';
import type { Certificate } from '../x509/certificate.ts';
import { generateKeyPair, keyAlgorithmOf } from '../x509/key-pair.ts';
import {
  type AuthorityOptions,
  type CertificateAuthority,
  openCertificateAuthority,
} from './certificate-authority.ts';
import { istioIssuanceRules } from './issuance-rules.ts';

const DAY_MS = 86_400_000;
const trustDomain = TrustDomain.parse('cluster.local');
const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');

function open(
  clock: ManualClock,
  store = memoryAuthorityStore(),
  more: Partial<AuthorityOptions> = {},
): Promise<CertificateAuthority> {
  return openCertificateAuthority({
    trustDomain,
    store,
    clock,
    rules: istioIssuanceRules,
    ...more,
  });
}

function requestFor(who: SpiffeId, lifetimeMs = 0) {
  const keys = generateKeyPair();
  return {
    keys,
    request: { id: who, csr: { publicKey: keys.publicKey, commonName: undefined }, lifetimeMs },
  };
}

describe('openCertificateAuthority', () => {
  it('makes a root of ten years and an intermediate of one, and finds them again', async () => {
    const clock = new ManualClock();
    const store = memoryAuthorityStore();
    const first = await open(clock, store);
    const [root] = first.bundle.current.x509Authorities;
    expect(root?.notAfterMs).toBe(clock.now() + 3650 * DAY_MS);
    expect(first.intermediate.notAfterMs).toBe(clock.now() + 365 * DAY_MS);
    const again = await open(clock, store);
    expect(again.intermediate.serial).toBe(first.intermediate.serial);
    expect(again.bundle.current.x509Authorities[0]?.serial).toBe(root?.serial);
  });

  it('gives each authority a subject of its own', async () => {
    const clock = new ManualClock();
    const [a, b] = [await open(clock), await open(clock)];
    const subjects = [a, b].flatMap(({ intermediate, bundle }) => [
      intermediate.subject,
      ...bundle.current.x509Authorities.map(({ subject }) => subject),
    ]);
    expect(new Set(subjects).size).toBe(4);
  });

  it('refuses a root of another trust domain and says what to do', async () => {
    const clock = new ManualClock();
    const store = memoryAuthorityStore();
    await open(clock, store);
    const other = openCertificateAuthority({
      trustDomain: TrustDomain.parse('example.org'),
      store,
      clock,
      rules: istioIssuanceRules,
    });
    await expect(other).rejects.toThrow(/belongs to "spiffe:\/\/cluster.local".*data directory/);
  });
});

describe('openCertificateAuthority when time has passed', () => {
  it('makes a new intermediate from the root in place of an expired one', async () => {
    const clock = new ManualClock();
    const store = memoryAuthorityStore();
    const before = await open(clock, store);
    await clock.advance(800 * DAY_MS);
    const after = await open(clock, store);
    expect(after.intermediate.serial).not.toBe(before.intermediate.serial);
    expect(store.saved?.current.intermediate.certificate.serial).toBe(after.intermediate.serial);
    const { chain } = after.issue(requestFor(id).request);
    const bundles = () => before.bundle.current;
    expect(() => verifyPeer({ chain, bundles, nowMs: clock.now() })).not.toThrow();
  });

  it('refuses an expired root with what to do, and leaves it stored', async () => {
    const clock = new ManualClock();
    const store = memoryAuthorityStore();
    await open(clock, store);
    const root = store.saved?.current.root.certificate.serial;
    await clock.advance(3650 * DAY_MS);
    await expect(open(clock, store)).rejects.toThrow(
      /expired at 2035-12-30T00:00:00.000Z, the clock says 2035-12-30.*set it.*--replace-expired-root.*new token/,
    );
    expect(store.saved?.current.root.certificate.serial).toBe(root);
  });

  it('replaces an expired root when it is told to, never one that holds', async () => {
    const clock = new ManualClock();
    const store = memoryAuthorityStore();
    const first = await open(clock, store, { replaceExpiredRoot: true });
    const same = await open(clock, store, { replaceExpiredRoot: true });
    expect(same.intermediate.serial).toBe(first.intermediate.serial);
    await clock.advance(3651 * DAY_MS);
    const fresh = await open(clock, store, { replaceExpiredRoot: true });
    const [root] = fresh.bundle.current.x509Authorities;
    expect(root?.notAfterMs).toBe(clock.now() + 3650 * DAY_MS);
    expect(store.saved?.current.root.certificate.serial).toBe(root?.serial);
    expect(() => fresh.issue(requestFor(id).request)).not.toThrow();
  });

  it('limits the default lifetime to what is left of the root', async () => {
    const clock = new ManualClock();
    const store = memoryAuthorityStore();
    expect((await open(clock, store)).rules.defaultLifetimeMs).toBe(DAY_MS);
    await clock.advance(3650 * DAY_MS - 7_200_000);
    const late = await open(clock, store);
    expect(late.rules.defaultLifetimeMs).toBe(7_200_000);
    const [leaf] = late.issue(requestFor(id).request).chain;
    expect(leaf.notAfterMs).toBe(clock.now() + 7_200_000);
  });

  it('refuses to sign with a clock from before the authority was made', async () => {
    const store = memoryAuthorityStore();
    await open(new ManualClock(Date.UTC(2026, 0, 1)), store);
    const early = await open(new ManualClock(Date.UTC(2025, 0, 1)), store);
    expect(() => early.issue(requestFor(id).request)).toThrow(
      /begins at 2025-12-31T23:58:00.000Z, the clock says 2025-01-01.*set the clock/,
    );
  });

  it.each(['ecdsa-p384', 'ed25519'] as const)(
    'goes on with %s once it was chosen',
    async (kind) => {
      const clock = new ManualClock();
      const store = memoryAuthorityStore();
      await open(clock, store, { algorithm: kind });
      await clock.advance(400 * DAY_MS);
      const again = await open(clock, store);
      expect(keyAlgorithmOf(again.intermediate.publicKey)).toBe(kind);
    },
  );
});

describe('issue', () => {
  it('gives an SVID that a peer with the bundle accepts, dated back two minutes', async () => {
    const clock = new ManualClock();
    const authority = await open(clock);
    const { keys, request } = requestFor(id);
    const { chain } = authority.issue(request);
    const [leaf] = chain;
    expect(leaf.notBeforeMs).toBe(clock.now() - 120_000);
    expect(leaf.notAfterMs).toBe(clock.now() + DAY_MS);
    expect(leaf.serial).toMatch(/^[0-9a-f]{32}$/);
    expect(leaf.subject).toBe('');
    const bundles = () => authority.bundle.current;
    expect(verifyPeer({ chain, bundles, nowMs: clock.now() }).toString()).toBe(id.toString());
    expect(parseX509Svid({ chain, privateKey: keys.privateKey }).id.equals(id)).toBe(true);
  });

  it.each([
    ['the default when none is asked', 0, undefined, DAY_MS],
    ['what is asked', 10_000, undefined, 10_000],
    ["at most the operator's ceiling", 0, 60_000, 60_000],
    ['what is asked when that is below the ceiling', 5_000, 60_000, 5_000],
  ])('grants %s', async (_name, lifetimeMs, ceilingMs, grantedMs) => {
    const clock = new ManualClock();
    const authority = await open(clock);
    const { request } = requestFor(id, lifetimeMs);
    const [leaf] = authority.issue({ ...request, ceilingMs }).chain;
    expect(leaf.notAfterMs - clock.now()).toBe(grantedMs);
  });

  it('refuses a lifetime above the maximum instead of shortening it', async () => {
    const authority = await open(new ManualClock());
    expect(() => authority.issue(requestFor(id, 91 * DAY_MS).request)).toThrow(
      /longest granted is 90d/,
    );
  });

  it('never lets a leaf outlive its signer', async () => {
    const clock = new ManualClock();
    const authority = await open(clock, memoryAuthorityStore(), {
      intermediateLifetimeMs: 3_600_000,
    });
    const [leaf] = authority.issue(requestFor(id).request).chain;
    expect(leaf.notAfterMs).toBe(authority.intermediate.notAfterMs);
  });

  it('refuses to sign with an expired intermediate, naming both times', async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    const authority = await open(clock);
    await clock.advance(366 * DAY_MS);
    expect(() => authority.issue(requestFor(id).request)).toThrow(
      /expired at 2027-01-01T00:00:00.000Z, the clock says 2027-01-02/,
    );
  });

  it('refuses an identity of another trust domain', async () => {
    const authority = await open(new ManualClock());
    const foreign = SpiffeId.parse('spiffe://example.org/ns/shop/sa/reviews');
    expect(() => authority.issue(requestFor(foreign).request)).toThrow(/not of trust domain/);
  });
});

const order = { compromised: false, renewWithinMs: 0, waived: [] };

describe('a rotation of the intermediate', () => {
  it('signs with the new one at once; leaves of both are accepted by the same bundle', async () => {
    const clock = new ManualClock();
    const store = memoryAuthorityStore();
    const authority = await open(clock, store);
    const bundle = authority.bundle.current;
    const old = authority.issue(requestFor(id).request).chain;
    await authority.rotation.prepare({ ...order, role: 'intermediate' });
    await authority.rotation.activate();
    const fresh = authority.issue(requestFor(id).request).chain;
    expect(fresh[1].serial).not.toBe(old[1].serial);
    expect(store.saved?.current.intermediate.certificate.serial).toBe(fresh[1].serial);
    expect(authority.bundle.current).toBe(bundle);
    for (const chain of [old, fresh]) {
      expect(() => verifyPeer({ chain, bundles: () => bundle, nowMs: clock.now() })).not.toThrow();
    }
    const issuers = (): string[] =>
      authority.issueCrls(() => []).map(({ issuer }) => issuer.serial);
    expect(issuers()).toContain(old[1].serial);
    await authority.rotation.retire();
    expect(issuers()).not.toContain(old[1].serial);
  });
});

describe('a rotation of the root', () => {
  const root = { ...order, role: 'root' } as const;
  const accepted = (roots: readonly Certificate[], chain: readonly Certificate[], nowMs: number) =>
    verifyPeer({ chain, bundles: () => TrustBundle.of(trustDomain, roots), nowMs });

  it('is trusted before it signs, and the old one for as long as it is there', async () => {
    const clock = new ManualClock();
    const authority = await open(clock);
    const { request } = requestFor(id);
    const old = authority.issue(request).chain;
    const [oldRoot] = authority.bundle.current.x509Authorities;
    await authority.rotation.prepare(root);
    expect(authority.bundle.current.x509Authorities).toHaveLength(2);
    expect(authority.bundle.current.x509Authorities[0]).toBe(oldRoot);
    expect(authority.issue(request).chain[1].serial).toBe(old[1].serial);
    const [, newRoot] = authority.bundle.current.x509Authorities;
    await authority.rotation.activate();
    expect(authority.bundle.current.x509Authorities).toEqual([newRoot, oldRoot]);
    const fresh = authority.issue(request);
    expect(fresh.root).toBe(newRoot);
    const both = authority.bundle.current.x509Authorities;
    for (const chain of [old, fresh.chain]) accepted(both, chain, clock.now());
    await authority.rotation.retire();
    expect(authority.bundle.current.x509Authorities).toEqual([newRoot]);
  });

  it('is signed by the old one too while that goes, for who has not heard of it', async () => {
    const clock = new ManualClock();
    const authority = await open(clock);
    const [oldRoot] = authority.bundle.current.x509Authorities;
    const { request, keys } = requestFor(id);
    await authority.rotation.prepare(root);
    await authority.rotation.activate();
    const [newRoot] = authority.bundle.current.x509Authorities;
    const { chain } = authority.issue(request);
    for (const trusted of [oldRoot, newRoot]) {
      expect(() => accepted(trusted ? [trusted] : [], chain, clock.now())).not.toThrow();
    }
    expect(parseX509Svid({ chain, privateKey: keys.privateKey }).chain).toHaveLength(3);
    await authority.rotation.retire();
    expect(authority.issue(request).chain).toHaveLength(2);
  });

  it('is not signed by an old one that is compromised', async () => {
    const authority = await open(new ManualClock());
    await authority.rotation.prepare({ ...root, compromised: true });
    await authority.rotation.activate();
    expect(authority.issue(requestFor(id).request).chain).toHaveLength(2);
  });

  it('resumes where it was, and lets no leaf end with the old root', async () => {
    const clock = new ManualClock();
    const store = memoryAuthorityStore();
    const first = await open(clock, store);
    await clock.advance(3650 * DAY_MS - 3_600_000);
    await first.rotation.prepare(root);
    const [, newRoot] = first.bundle.current.x509Authorities;
    const second = await open(clock, store);
    expect(second.slots.current.rotation).toMatchObject({ phase: 'distributing', role: 'root' });
    expect(second.bundle.current.x509Authorities[1]?.serial).toBe(newRoot?.serial);
    await second.rotation.activate();
    const third = await open(clock, store);
    const { chain, root: signing } = third.issue(requestFor(id).request);
    expect(signing.serial).toBe(newRoot?.serial);
    expect(chain[0].notAfterMs).toBe(clock.now() + DAY_MS);
    expect(chain).toHaveLength(2);
  });

  it('takes over at a start at which the old one has expired', async () => {
    const clock = new ManualClock();
    const store = memoryAuthorityStore();
    await clock.advance(1);
    const first = await open(clock, store);
    await clock.advance(3650 * DAY_MS - 1_000);
    await first.rotation.prepare(root);
    await clock.advance(1_000);
    const again = await open(clock, store);
    expect(again.slots.current.rotation.phase).toBe('retiring');
    expect(() => again.issue(requestFor(id).request)).not.toThrow();
  });

  it('changes nothing when it cannot be stored', async () => {
    const store = memoryAuthorityStore();
    const authority = await open(new ManualClock(), store);
    const { current } = authority.slots;
    store.save = async () => {
      throw new Error('the disk is full');
    };
    await expect(authority.rotation.prepare(root)).rejects.toThrow('the disk is full');
    expect(authority.slots.current).toBe(current);
    expect(authority.bundle.current.x509Authorities).toHaveLength(1);
  });
});
