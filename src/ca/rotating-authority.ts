import type { Clock } from '../lib/clock.ts';
import { WatchableValue } from '../lib/watchable.ts';
import { TrustBundle } from '../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Authority } from './authority.ts';
import type { CertificateAuthority, SlotCertificates } from './certificate-authority.ts';
import type { UsableGivenCrls } from './given-crls.ts';
import { type IssuanceRules, rulesWithin } from './issuance-rules.ts';
import { issueCrl } from './issue-crl.ts';
import { issueCrls } from './issue-crls.ts';
import { issueSvid } from './issue-svid.ts';
import {
  abort,
  activate,
  amend,
  inUse,
  type KeySlots,
  mapSlots,
  prepare,
  type RotationOrder,
  retire,
} from './rotation.ts';
import { chainEndsAtMs, type SigningChain } from './signing-chain.ts';

export interface RotatingAuthorityOptions<K> {
  readonly trustDomain: TrustDomain;
  readonly clock: Clock;
  readonly rules: IssuanceRules;
  /** As stored. */
  readonly slots: KeySlots<K>;
  readonly save: (slots: KeySlots<K>) => Promise<void>;
  readonly chainOf: (slot: K) => SigningChain;
  /** Those of a slot whose keys are here, the signer first. */
  readonly authoritiesOf: (slot: K) => readonly Authority[];
  /** Lists that others have signed. Default none. */
  readonly givenCrls?: (slots: readonly K[]) => UsableGivenCrls;
  readonly ownKeys: boolean;
  /** @throws {MeshError} ERR_FORBIDDEN when only somebody else can make one. */
  readonly fresh: (role: RotationOrder['role'], current: K) => K;
  /** The key of the root of `next` under that of `old`, where their keys are here. */
  readonly crossSign?: (next: K, old: K) => Certificate;
  /** What an operator does when the chain has expired. */
  readonly remedy: string;
}

export interface RotatingAuthority<K> extends CertificateAuthority {
  /** As `rotation.prepare`, with a key that somebody else has made. */
  prepareWith(next: K, order: RotationOrder): Promise<void>;
  /** Changes what stands beside the keys; these stay. */
  revise(to: (slots: KeySlots<K>) => KeySlots<K>): Promise<void>;
  /** What is in the slots now, keys included. */
  keys(): KeySlots<K>;
}

/** An authority over key slots: each change of them is stored before it counts, and is swapped in whole. */
export function rotatingAuthority<K>(options: RotatingAuthorityOptions<K>): RotatingAuthority<K> {
  const { trustDomain, clock } = options;
  let keys = options.slots;
  const certificates = new WatchableValue(certificatesOf(keys, options));
  const bundle = new WatchableValue(bundleOf(keys, options));
  let cross = crossOf(keys, options);
  let changing: Promise<void> = Promise.resolve();

  return {
    trustDomain,
    bundle,
    slots: certificates,
    get intermediate() {
      return certificates.current.current.signer;
    },
    get rules() {
      return rulesNow();
    },
    issue(request) {
      const { signer, above, roots } = options.chainOf(keys.current);
      return issueSvid(request, {
        ...{ signer, above, cross, root: roots[0], remedy: options.remedy },
        options: { trustDomain, clock, rules: rulesNow() },
      });
    },
    issueCrl: (entries) => issueCrl(options.chainOf(keys.current).signer, entries, clock.now()),
    issueCrls(entriesOf) {
      const all = inUse(keys).flatMap(options.authoritiesOf);
      const unique = new Map(all.map((each) => [each.certificate.serial, each]));
      return issueCrls([...unique.values()], entriesOf, { clock, rules: rulesNow() });
    },
    givenCrls: () => options.givenCrls?.(inUse(keys)) ?? { crls: [], gap: undefined },
    keys: () => keys,
    revise: change,
    prepareWith: (next, order) => change((slots) => prepare(slots, next, dated(order))),
    rotation: {
      ownKeys: options.ownKeys,
      prepare: (order) =>
        change((slots) => prepare(slots, options.fresh(order.role, slots.current), dated(order))),
      activate: () => change((slots) => activate(slots, clock.now())),
      retire: () => change(retire),
      abort: () => change(abort),
      amend: (amendment) => change((slots) => amend(slots, amendment)),
    },
  };

  /** One after the other, and nothing of one that could not be stored. */
  function change(to: (slots: KeySlots<K>) => KeySlots<K>): Promise<void> {
    const changed = changing.then(async () => {
      const next = to(keys);
      const nextBundle = bundleOf(next, options);
      await options.save(next);
      keys = next;
      cross = crossOf(next, options);
      certificates.set(certificatesOf(next, options));
      if (!nextBundle.hasContentOf(bundle.current)) bundle.set(nextBundle);
    });
    changing = changed.catch(() => undefined);
    return changed;
  }

  function dated(order: RotationOrder): RotationOrder & { readonly nowMs: number } {
    return { ...order, nowMs: clock.now() };
  }

  function rulesNow(): IssuanceRules {
    const endsAtMs = chainEndsAtMs(options.chainOf(keys.current));
    return rulesWithin(options.rules, endsAtMs - clock.now());
  }
}

type Chains<K> = Pick<RotatingAuthorityOptions<K>, 'trustDomain' | 'chainOf' | 'crossSign'>;

function certificatesOf<K>(slots: KeySlots<K>, { chainOf }: Chains<K>): KeySlots<SlotCertificates> {
  return mapSlots(slots, (slot) => {
    const { signer, roots } = chainOf(slot);
    return { root: roots[0], signer: signer.certificate };
  });
}

/** The root that signs comes first: tokens carry its fingerprint. */
function bundleOf<K>(slots: KeySlots<K>, { trustDomain, chainOf }: Chains<K>): TrustBundle {
  const roots = inUse(slots).flatMap((slot) => chainOf(slot).roots);
  return TrustBundle.of(trustDomain, roots);
}

function crossOf<K>(
  { current, rotation }: KeySlots<K>,
  { crossSign }: Chains<K>,
): Certificate | undefined {
  if (rotation.phase !== 'retiring' || rotation.role !== 'root') return undefined;
  // Nothing that a compromised key has signed is shown to anybody.
  return rotation.compromised ? undefined : crossSign?.(current, rotation.old);
}

/** A steady authority, as one that was made just now is. */
export function steady<K>(current: K): KeySlots<K> {
  return { current, rotation: { phase: 'steady' } };
}
