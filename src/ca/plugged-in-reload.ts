import { fingerprint } from '../x509/certificate.ts';
import type { PluggedIn } from './plugged-in-authority.ts';
import type { RotatingAuthority } from './rotating-authority.ts';
import {
  type AuthorityRole,
  activate,
  inUse,
  type KeySlots,
  prepare,
  type RotationOrder,
} from './rotation.ts';

/** What was found, compared with what is in use. */
export interface Reloaded {
  readonly changed: AuthorityRole | 'nothing';
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
  if (role === 'intermediate' && stored.rotation.phase !== 'steady') {
    return { ...stored, current: given };
  }
  const order = { role, compromised: false, renewWithinMs: 0, waived: [], nowMs };
  const prepared = prepare(stored, given, order);
  return role === 'root' ? prepared : activate(prepared, nowMs);
}

function changeOf(slots: KeySlots<PluggedIn>, given: PluggedIn): Reloaded['changed'] {
  const known = inUse(slots);
  if (known.some((slot) => textOf(slot) === textOf(given))) return 'nothing';
  return rootsOf(slots.current) === rootsOf(given) ? 'intermediate' : 'root';
}

function rootsOf({ chain }: PluggedIn): string {
  return chain.roots.map(fingerprint).sort().join(' ');
}

function textOf(pluggedIn: PluggedIn): string {
  const { signer, above } = pluggedIn.chain;
  return [...[signer.certificate, ...above].map(fingerprint), rootsOf(pluggedIn)].join(' ');
}
