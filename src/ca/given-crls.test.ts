import { describe, expect, it } from 'vitest';
import { crlPem, givenCrl } from '../../test/kit/given-crl.ts';
import { ownCa, pluggedInCa } from '../../test/kit/plugged-in-ca.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import { decodeGivenCrls, givenCrls, MAX_CRL_BYTES } from './given-crls.ts';
import { decodeSigningChain } from './signing-chain.ts';

const DAY_MS = 86_400_000;
const nowMs = Date.UTC(2026, 0, 1);
const trustDomain = TrustDomain.parse('cluster.local');
const root = ownCa({ name: 'root', nowMs });
const policy = ownCa({ name: 'policy', nowMs, issuer: root });
const mesh = ownCa({ name: 'mesh', nowMs, issuer: policy });
const chain = decodeSigningChain(pluggedInCa([mesh, policy, root]), { trustDomain, nowMs });
const ofRoot = givenCrl(root, { nowMs });
const ofPolicy = givenCrl(policy, { nowMs });
const decode = (pem: string | undefined) => decodeGivenCrls(pem, { chain, nowMs });
const issuers = (crls: ReturnType<typeof decode>) => crls.map(({ crl }) => crl.issuer).sort();

describe('decodeGivenCrls', () => {
  it('reads a list of each authority above the signer', () => {
    expect(decode(undefined)).toEqual([]);
    const given = decode(`# of our CA\n${crlPem(ofRoot, ofPolicy)}`);
    expect(issuers(given)).toEqual([policy, root].map(({ certificate }) => certificate.subject));
  });

  it('takes the newer of two of one authority, in either order', () => {
    const older = givenCrl(root, { nowMs, thisUpdateMs: nowMs - 9 * DAY_MS });
    for (const pem of [crlPem(ofRoot, older), crlPem(older, ofRoot)]) {
      expect(decode(pem).map(({ crl }) => crl.der)).toEqual([ofRoot.der]);
    }
  });

  it('passes over an empty list of the signer, which the mesh makes itself', () => {
    expect(decode(crlPem(givenCrl(mesh, { nowMs }), ofRoot))).toHaveLength(1);
  });

  const stranger = ownCa({ name: 'stranger', nowMs });
  const namesake = ownCa({ name: 'root', nowMs });
  const twin = { ...namesake, certificate: { ...namesake.certificate } };
  it.each<[string, string, RegExp]>([
    ['what is no list', 'nothing', /ca-crl.pem: no PEM block "X509 CRL"/],
    ['a list that is damaged', crlPem(ofRoot).replaceAll('A', 'B'), /ca-crl.pem: /],
    ['a list of a stranger', crlPem(givenCrl(stranger, { nowMs })), /"CN=stranger.*no authority/],
    ['a list signed by another key', crlPem(givenCrl(twin, { nowMs })), /not signed by the key/],
    [
      'a list of the future',
      crlPem(givenCrl(root, { nowMs, thisUpdateMs: nowMs + 1_000 })),
      /begins at 2026-01-01T00:00:01.000Z, the clock says 2026-01-01T00:00:00.000Z/,
    ],
    [
      'a list of the signer that names certificates',
      crlPem(givenCrl(mesh, { nowMs, revoked: ['4f'] })),
      /that of ca-cert.pem.*hauberk certs revoke/,
    ],
    [
      'a list that revokes the signer',
      crlPem(givenCrl(policy, { nowMs, revoked: [mesh.certificate.serial] })),
      /revokes "CN=mesh.*through which this mesh signs/,
    ],
    [
      'a list that revokes what is above it',
      crlPem(givenCrl(root, { nowMs, revoked: [policy.certificate.serial] })),
      /revokes "CN=policy/,
    ],
    ['more than is read', crlPem(ofRoot) + ' '.repeat(MAX_CRL_BYTES), /more than 393216 bytes/],
    ['more lists than are read', crlPem(ofRoot).repeat(17), /more than 16 PEM blocks/],
  ])('refuses %s', (_name, pem, reason) => {
    expect(() => decode(pem)).toThrow(reason);
    expect(() => decode(pem)).toThrow(expect.objectContaining({ code: 'ERR_STORE' }));
  });

  it('refuses a list of an authority that may not sign any', () => {
    const top = ownCa({ name: 'top', nowMs, keyUsage: ['keyCertSign'] });
    const signer = ownCa({ name: 'mesh', nowMs, issuer: top });
    const files = pluggedInCa([signer, top]);
    const able = { ...top, certificate: { ...top.certificate, keyUsage: new Set(['cRLSign']) } };
    const pem = crlPem(givenCrl(able as typeof top, { nowMs }));
    const without = decodeSigningChain(files, { trustDomain, nowMs });
    expect(() => decodeGivenCrls(pem, { chain: without, nowMs })).toThrow(/key usage cRLSign/);
  });
});

describe('givenCrls', () => {
  const slot = { chain, crls: decode(crlPem(ofRoot, ofPolicy)) };

  it('gives all where every authority above the signer has one', () => {
    expect(givenCrls([slot], nowMs)).toEqual({ crls: slot.crls, gap: undefined });
    expect(givenCrls([{ chain, crls: [] }], nowMs)).toEqual({ crls: [], gap: undefined });
  });

  it.each([
    ['root', ofPolicy],
    ['policy', ofRoot],
  ])('gives none where %s has none, and says so', (name, other) => {
    const { crls, gap } = givenCrls([{ chain, crls: decode(crlPem(other)) }], nowMs);
    expect(crls).toEqual([]);
    expect(gap).toMatch(new RegExp(`no list of "CN=${name}.*hauberk ca reload`));
  });

  it('gives none from shortly before the first of them ends', () => {
    const endsAtMs = ofPolicy.nextUpdateMs ?? 0;
    expect(givenCrls([slot], endsAtMs - 11 * 60_000).crls).toHaveLength(2);
    const { crls, gap } = givenCrls([slot], endsAtMs - 10 * 60_000);
    expect(crls).toEqual([]);
    expect(gap).toMatch(/ends at 2026-01-31T00:00:00.000Z/);
  });

  const next = ownCa({ name: 'mesh 2', nowMs, issuer: policy });
  const nextChain = decodeSigningChain(pluggedInCa([next, policy, root]), { trustDomain, nowMs });

  it('gives none while one slot has an authority without', () => {
    const other = ownCa({ name: 'other policy', nowMs, issuer: root });
    const signer = ownCa({ name: 'mesh 2', nowMs, issuer: other });
    const files = pluggedInCa([signer, other, root]);
    const second = { chain: decodeSigningChain(files, { trustDomain, nowMs }), crls: [] };
    expect(givenCrls([slot, second], nowMs).gap).toMatch(/no list of "CN=other policy/);
    expect(givenCrls([slot, { chain: nextChain, crls: [] }], nowMs).crls).toHaveLength(2);
  });

  it('gives the older list while the newer revokes what a slot still signs with', () => {
    const revoked = [mesh.certificate.serial];
    const newer = givenCrl(policy, { nowMs, revoked, thisUpdateMs: nowMs - 1 });
    const crls = decodeGivenCrls(crlPem(ofRoot, newer), { chain: nextChain, nowMs });
    const second = { chain: nextChain, crls };
    const ofIt = (slots: Parameters<typeof givenCrls>[0]) =>
      givenCrls(slots, nowMs).crls.find(({ crl }) => crl.issuer === newer.issuer)?.crl.der;
    expect(ofIt([second, slot])).toEqual(ofPolicy.der);
    expect(ofIt([second])).toEqual(newer.der);
  });
});
