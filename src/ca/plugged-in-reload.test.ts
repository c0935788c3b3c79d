import { describe, expect, it } from 'vitest';
import { crlPem, givenCrl } from '../../test/kit/given-crl.ts';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { ownCa, pluggedInCa } from '../../test/kit/plugged-in-ca.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import type { Crl } from '../x509/crl.ts';
import { decodeGivenCrls } from './given-crls.ts';
import { istioIssuanceRules } from './issuance-rules.ts';
import { type PluggedIn, pluggedInAuthority } from './plugged-in-authority.ts';
import { reloadPluggedIn, withGiven } from './plugged-in-reload.ts';
import { steady } from './rotating-authority.ts';
import type { KeySlots } from './rotation.ts';
import { decodeSigningChain } from './signing-chain.ts';

const clock = new ManualClock();
const nowMs = clock.now();
const trustDomain = TrustDomain.parse('cluster.local');
const root = ownCa({ name: 'root', nowMs });
const mesh = ownCa({ name: 'mesh', nowMs, issuer: root });
const lists = [3, 2, 1].map((days) =>
  givenCrl(root, { nowMs, thisUpdateMs: nowMs - days * 86_400_000 }),
);
const [oldest, middle, newest] = lists as [Crl, Crl, Crl];

function given(signer: typeof mesh, ...crls: readonly Crl[]): PluggedIn {
  const pem = crlPem(...crls);
  const base = pluggedInCa([signer, root]);
  const files = pem === '' ? base : { ...base, 'ca-crl.pem': pem };
  const chain = decodeSigningChain(files, { trustDomain, nowMs });
  return { files, chain, crls: decodeGivenCrls(files['ca-crl.pem'], { chain, nowMs }) };
}

function setUp(first: PluggedIn) {
  const saved: KeySlots<PluggedIn>[] = [];
  const save = async (slots: KeySlots<PluggedIn>) => void saved.push(slots);
  const rules = istioIssuanceRules;
  const authority = pluggedInAuthority(steady(first), { trustDomain, clock, rules, save });
  const order = { compromised: false, renewWithinMs: 0, waived: [] };
  const reload = (next: PluggedIn) => reloadPluggedIn(authority, { read: () => next, order });
  const now = () => authority.givenCrls().crls.map(({ crl }) => crl.der);
  return { authority, reload, now, saved };
}

describe('reloadPluggedIn', () => {
  it('takes newer revocation lists without a rotation, and stores them', async () => {
    const { authority, reload, now, saved } = setUp(given(mesh, oldest));
    let woken = 0;
    authority.slots.subscribe(() => woken++);
    expect(await reload(given(mesh, middle))).toEqual({ changed: 'revocation lists' });
    expect(now()).toEqual([middle.der]);
    expect(woken).toBe(1);
    expect(saved.map(({ current }) => current.files['ca-crl.pem'])).toEqual([crlPem(middle)]);
    expect(authority.keys().rotation.phase).toBe('steady');
  });

  it('sees no change in the same lists, nor in older ones', async () => {
    const { reload, now, saved } = setUp(given(mesh, middle));
    for (const same of [middle, oldest]) {
      expect(await reload(given(mesh, same))).toEqual({ changed: 'nothing' });
    }
    expect(now()).toEqual([middle.der]);
    expect(saved).toEqual([]);
  });

  it('lets go of lists that are given no more', async () => {
    const { authority, reload, now } = setUp(given(mesh, middle));
    expect(await reload(given(mesh))).toEqual({ changed: 'revocation lists' });
    expect(now()).toEqual([]);
    expect(authority.keys().current.files).not.toHaveProperty(['ca-crl.pem']);
  });

  it('rotates a new signer in with its lists', async () => {
    const { authority, reload, now } = setUp(given(mesh, middle));
    const next = given(ownCa({ name: 'mesh 2', nowMs, issuer: root }), newest);
    expect(await reload(next)).toEqual({ changed: 'intermediate' });
    expect(authority.keys().rotation.phase).toBe('distributing');
    expect(now()).toEqual([newest.der]);
  });
});

describe('withGiven', () => {
  it('starts with newer lists, and goes on with the stored ones where an older file is given', () => {
    const stored = steady(given(mesh, middle));
    expect(withGiven(stored, given(mesh, oldest), nowMs)).toBe(stored);
    const { current, rotation } = withGiven(stored, given(mesh, newest), nowMs);
    expect(current.crls.map(({ crl }) => crl.der)).toEqual([newest.der]);
    expect(rotation.phase).toBe('steady');
  });
});
