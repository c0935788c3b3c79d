import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { ownCa, pluggedInCa } from '../../test/kit/plugged-in-ca.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import { verifyPeer } from '../spiffe/verify-peer.ts';
import { generateKeyPair } from '../x509/key-pair.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { istioIssuanceRules } from './issuance-rules.ts';
import { pluggedInAuthority } from './plugged-in-authority.ts';
import { steady } from './rotating-authority.ts';
import { decodeSigningChain } from './signing-chain.ts';

const HOUR_MS = 3_600_000;
const trustDomain = TrustDomain.parse('cluster.local');
const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');
const request = {
  id,
  csr: { publicKey: generateKeyPair().publicKey, commonName: undefined },
  lifetimeMs: 0,
};

/** Root, an intermediate that ends in `hours`, and the signer below it. */
function authority(clock: ManualClock, hours: number): CertificateAuthority {
  const nowMs = clock.now();
  const root = ownCa({ name: 'root', nowMs });
  const policy = ownCa({
    name: 'policy',
    nowMs,
    issuer: root,
    notAfterMs: nowMs + hours * HOUR_MS,
  });
  const files = pluggedInCa([ownCa({ name: 'mesh', nowMs, issuer: policy }), policy, root]);
  const chain = decodeSigningChain(files, { trustDomain, nowMs });
  const options = { trustDomain, clock, rules: istioIssuanceRules, save: async () => undefined };
  return pluggedInAuthority(steady({ files, chain, crls: [] }), options);
}

describe('pluggedInAuthority', () => {
  it("signs SVIDs that peers with the operator's root accept, with the whole chain", () => {
    const clock = new ManualClock();
    const ca = authority(clock, 8760);
    const { chain, root } = ca.issue(request);
    expect(chain).toHaveLength(3);
    expect(root.subject).toContain('root');
    const bundles = () => ca.bundle.current;
    expect(verifyPeer({ chain, bundles, nowMs: clock.now() }).toString()).toBe(id.toString());
  });

  it('limits the default lifetime at start to what is left of the chain, and every leaf to it', async () => {
    const clock = new ManualClock();
    const ca = authority(clock, 5);
    expect(ca.rules.defaultLifetimeMs).toBe(5 * HOUR_MS);
    await clock.advance(2 * HOUR_MS);
    const ends = [0, 48 * HOUR_MS].map(
      (lifetimeMs) => ca.issue({ ...request, lifetimeMs }).chain[0].notAfterMs - clock.now(),
    );
    expect(ends).toEqual([3 * HOUR_MS, 3 * HOUR_MS]);
  });

  it('refuses to sign when any of the chain has expired, and says who can help', async () => {
    const clock = new ManualClock();
    const ca = authority(clock, 5);
    await clock.advance(5 * HOUR_MS);
    expect(() => ca.issue(request)).toThrow(
      /expired at 2026-01-01T05:00:00.000Z, the clock says 2026-01-01T05:00:00.000Z; .*have your CA sign a new one and start with --ca-dir/,
    );
  });

  it('makes no intermediate of its own', async () => {
    const clock = new ManualClock();
    const ca = authority(clock, 5);
    await clock.advance(4 * HOUR_MS);
    expect(ca.rotation.ownKeys).toBe(false);
    const order = {
      role: 'intermediate',
      compromised: false,
      renewWithinMs: 0,
      waived: [],
    } as const;
    await expect(ca.rotation.prepare(order)).rejects.toThrow(/come from your own CA.*ca reload/);
  });
});
