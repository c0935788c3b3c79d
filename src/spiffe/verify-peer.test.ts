import { describe, expect, it } from 'vitest';
import { testAuthority } from '../../test/kit/test-authority.ts';
import { TrustBundle } from './trust-bundle.ts';
import type { TrustDomain } from './trust-domain.ts';
import { spiffeIdOf, verifyPeer } from './verify-peer.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const ID = 'spiffe://cluster.local/ns/a/sa/b';
const authority = testAuthority({ nowMs: NOW_MS });
const other = testAuthority({ nowMs: NOW_MS, trustDomain: 'other.example' });
const known = [authority.bundle, other.bundle];
const bundles = (trustDomain: TrustDomain): TrustBundle | undefined =>
  known.find((bundle) => bundle.trustDomain.equals(trustDomain));
const refusal = (code: string, problem: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(problem) });

describe('verifyPeer', () => {
  it.each([
    [authority, ID],
    [other, 'spiffe://other.example/ns/a/sa/b'],
    [other, 'spiffe://other.example/any/path'],
  ])('gives the ID of a peer by its own trust domain', (issuer, id) => {
    const { chain } = issuer.issue(id);
    for (const purpose of ['serverAuth', 'clientAuth'] as const) {
      expect(verifyPeer({ chain, bundles, nowMs: NOW_MS, purpose }).toString()).toBe(id);
    }
  });

  it('accepts a chain that holds the root too', () => {
    const chain = [...authority.issue(ID).chain, authority.root];
    expect(verifyPeer({ chain, bundles, nowMs: NOW_MS }).toString()).toBe(ID);
  });

  it('refuses an ID of one trust domain signed by another that is trusted too', () => {
    const { chain } = other.issue(ID);
    expect(() => verifyPeer({ chain, bundles, nowMs: NOW_MS })).toThrow(
      refusal('ERR_PATH', 'neither a trusted root'),
    );
  });

  it('refuses a trust domain without a bundle', () => {
    const { chain } = testAuthority({ nowMs: NOW_MS, trustDomain: 'unknown' }).issue(
      'spiffe://unknown/x',
    );
    expect(() => verifyPeer({ chain, bundles, nowMs: NOW_MS })).toThrow(
      refusal('ERR_SVID', 'the trust domain "unknown", of which there is no bundle here'),
    );
  });

  it('refuses everybody when all authorities are revoked', () => {
    const { chain } = authority.issue(ID);
    const empty = TrustBundle.of(authority.trustDomain, []);
    expect(() => verifyPeer({ chain, bundles: () => empty, nowMs: NOW_MS })).toThrow(
      refusal('ERR_SVID', 'authorities are all revoked'),
    );
  });

  it('refuses an expired peer with both clocks', () => {
    const { chain } = authority.issue(ID);
    expect(() => verifyPeer({ chain, bundles, nowMs: NOW_MS + 2 * 86_400_000 })).toThrow(
      refusal(
        'ERR_PATH',
        'it ended at 2026-06-02T00:00:00Z, the clock here says 2026-06-03T00:00:00Z',
      ),
    );
  });

  it('refuses a server that may only be a client', () => {
    const { chain } = authority.issue(ID, { extendedKeyUsage: ['clientAuth'] });
    expect(() => verifyPeer({ chain, bundles, nowMs: NOW_MS, purpose: 'serverAuth' })).toThrow(
      refusal('ERR_PATH', 'is not for serverAuth'),
    );
  });

  it('refuses an authority as a peer', () => {
    const chain = [authority.intermediate];
    expect(() => verifyPeer({ chain, bundles, nowMs: NOW_MS })).toThrow(
      refusal('ERR_SVID', 'is CA:true'),
    );
  });

  it('refuses a peer without a certificate', () => {
    expect(() => verifyPeer({ chain: [], bundles, nowMs: NOW_MS })).toThrow(
      refusal('ERR_SVID', 'the peer showed no certificate'),
    );
  });
});

describe('spiffeIdOf', () => {
  it('does not need digitalSignature or an extended key usage, as go-spiffe does not', () => {
    const [leaf] = authority.issue(ID, { keyUsage: ['keyAgreement'], extendedKeyUsage: [] }).chain;
    expect(leaf && spiffeIdOf(leaf).toString()).toBe(ID);
  });
});
