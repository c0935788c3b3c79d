import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { memoryAuthorityStore } from '../../test/kit/memory-authority-store.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import { verifyPeer } from '../spiffe/verify-peer.ts';
import { parseX509Svid } from '../spiffe/x509-svid.ts';
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
    expect(store.saved?.intermediate.certificate.serial).toBe(after.intermediate.serial);
    const { chain } = after.issue(requestFor(id).request);
    const bundles = () => before.bundle.current;
    expect(() => verifyPeer({ chain, bundles, nowMs: clock.now() })).not.toThrow();
  });

  it('refuses an expired root with what to do, and leaves it stored', async () => {
    const clock = new ManualClock();
    const store = memoryAuthorityStore();
    await open(clock, store);
    const root = store.saved?.root.certificate.serial;
    await clock.advance(3650 * DAY_MS);
    await expect(open(clock, store)).rejects.toThrow(
      /expired at 2035-12-30T00:00:00.000Z, the clock says 2035-12-30.*set it.*--replace-expired-root.*new token/,
    );
    expect(store.saved?.root.certificate.serial).toBe(root);
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
    expect(store.saved?.root.certificate.serial).toBe(root?.serial);
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

describe('renewIntermediate', () => {
  it('replaces it past half of its life; leaves of both are accepted by the same bundle', async () => {
    const clock = new ManualClock();
    const store = memoryAuthorityStore();
    const authority = await open(clock, store);
    const before = authority.issue(requestFor(id, 80 * DAY_MS).request).chain;
    expect(await authority.renewIntermediate()).toBe(false);
    await clock.advance(183 * DAY_MS);
    const old = authority.issue(requestFor(id).request).chain;
    expect(await authority.renewIntermediate()).toBe(true);
    const fresh = authority.issue(requestFor(id).request).chain;
    expect(fresh[1].serial).not.toBe(before[1].serial);
    expect(store.saved?.intermediate.certificate.serial).toBe(fresh[1].serial);
    const bundles = () => authority.bundle.current;
    for (const chain of [old, fresh]) {
      expect(() => verifyPeer({ chain, bundles, nowMs: clock.now() })).not.toThrow();
    }
  });
});
