import { fingerprint } from '../x509/certificate.ts';
import { encodePem } from '../x509/pem.ts';
import { type GivenCrls, isNewer } from './given-crls.ts';
import type { PluggedIn } from './plugged-in-authority.ts';
import type { RotatingAuthority } from './rotating-authority.ts';
import {
  type AuthorityRole,
  activate,
  inUse,
  type KeySlots,
  mapSlots,
  prepare,
  type RotationOrder,
} from './rotation.ts';

/** What was found, compared with what is in use. */
export interface Reloaded {
  readonly changed: AuthorityRole | 'revocation lists' | 'nothing';
}

/**
 * Looks at the operator's CA again. What is in one of the slots already is no change.
 *
 * @throws {MeshError} what `read` throws, and ERR_CONFLICT when a rotation is under way.
 */
export async function reloadPluggedIn(
  authority: RotatingAuthority<PluggedIn>,
  options: {
    readonly read: () => PluggedIn;
    readonly order: Omit<RotationOrder, 'role'>;
  },
): Promise<Reloaded> {
  const given = options.read();
  const slots = authority.keys();
  const changed = changeOf(slots, given);
  if (changed === 'nothing') return { changed };
  if (changed === 'revocation lists') {
    await authority.revise((now) => withLists(now, given));
    return { changed };
  }
  await authority.prepareWith(given, { ...options.order, role: changed });
  return { changed };
}

/**
 * The slots at a start with the operator's CA as it is given now. A new signer of the same root
 * signs from the start; a new root is made known first, while the stored one goes on signing.
 */
export function withGiven(
  stored: KeySlots<PluggedIn>,
  given: PluggedIn,
  nowMs: number,
): KeySlots<PluggedIn> {
  const role = changeOf(stored, given);
  if (role === 'nothing') return stored;
  if (role === 'revocation lists') return withLists(stored, given);
  if (role === 'intermediate' && stored.rotation.phase !== 'steady') {
    return { ...stored, current: given };
  }
  const order = { role, compromised: false, renewWithinMs: 0, waived: [], nowMs };
  const prepared = prepare(stored, given, order);
  return role === 'root' ? prepared : activate(prepared, nowMs);
}

function changeOf(slots: KeySlots<PluggedIn>, given: PluggedIn): Reloaded['changed'] {
  const known = inUse(slots).find((slot) => textOf(slot) === textOf(given));
  if (known !== undefined) {
    return listsText(newerLists(known, given)) === listsText(known.crls)
      ? 'nothing'
      : 'revocation lists';
  }
  return rootsOf(slots.current) === rootsOf(given) ? 'intermediate' : 'root';
}

/** The slot of the same keys with the lists that are given. */
function withLists(slots: KeySlots<PluggedIn>, given: PluggedIn): KeySlots<PluggedIn> {
  return mapSlots(slots, (slot) => {
    if (textOf(slot) !== textOf(given)) return slot;
    const crls = newerLists(slot, given);
    const { 'ca-crl.pem': _before, ...files } = slot.files;
    const pem = crls.map(({ crl }) => encodePem('X509 CRL', crl.der)).join('');
    return { ...slot, files: pem === '' ? files : { ...files, 'ca-crl.pem': pem }, crls };
  });
}

/** Of each authority that is given one the newer: an old file must not accept again what was revoked. */
function newerLists({ crls: present }: PluggedIn, given: PluggedIn): GivenCrls {
  return given.crls.map((each) => {
    const before = present.find(({ issuer }) => fingerprint(issuer) === fingerprint(each.issuer));
    return before !== undefined && isNewer(before.crl, each.crl) ? before : each;
  });
}

function listsText(crls: GivenCrls): string {
  return crls
    .map(({ crl }) => Buffer.from(crl.der).toString('base64'))
    .sort()
    .join(' ');
}

function rootsOf({ chain }: PluggedIn): string {
  return chain.roots.map(fingerprint).sort().join(' ');
}

function textOf(pluggedIn: PluggedIn): string {
  const { signer, above } = pluggedIn.chain;
  return [...[signer.certificate, ...above].map(fingerprint), rootsOf(pluggedIn)].join(' ');
}
