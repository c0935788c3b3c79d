import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Watchable } from '../lib/watchable.ts';
import type { TrustBundle } from '../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Crl, RevokedEntry } from '../x509/crl.ts';
import type { KeyAlgorithm } from '../x509/key-pair.ts';
import { type Authority, createIntermediate, createRoot, crossSign } from './authority.ts';
import type { Authorities, AuthorityStore } from './authority-store.ts';
import type { UsableGivenCrls } from './given-crls.ts';
import type { IssuanceRules } from './issuance-rules.ts';
import type { IssuedSvid, SvidRequest } from './issue-svid.ts';
import { rotatingAuthority, steady } from './rotating-authority.ts';
import { activate, type KeySlots, type RotationOrder } from './rotation.ts';
import { usableAuthorities } from './usable-authorities.ts';

/** The certificates of one key slot. */
export interface SlotCertificates {
  readonly root: Certificate;
  readonly signer: Certificate;
}

/** The steps of a rotation. Each is stored before it counts. */
export interface AuthorityRotation {
  /** Whether this mesh makes its keys itself, so that it can replace them by age. */
  readonly ownKeys: boolean;
  /** @throws {MeshError} ERR_CONFLICT, and ERR_FORBIDDEN when the keys are somebody else's to make. */
  prepare(order: RotationOrder): Promise<void>;
  activate(): Promise<void>;
  retire(): Promise<void>;
  /** @throws {MeshError} ERR_CONFLICT once the next key signs. */
  abort(): Promise<void>;
  amend(change: {
    readonly waive: readonly string[];
    readonly compromised: boolean;
  }): Promise<void>;
}

/** A revocation list and who signed it. */
export interface IssuedCrl {
  readonly issuer: Certificate;
  readonly crl: Crl;
}

/** Signs X509-SVIDs of one trust domain. */
export interface CertificateAuthority {
  readonly trustDomain: TrustDomain;
  /** Every root in use, that of the key that signs first. */
  readonly bundle: Watchable<TrustBundle>;
  /** What is in the key slots, without the keys. Swapped before the bundle. */
  readonly slots: Watchable<KeySlots<SlotCertificates>>;
  /** The certificate of the key that signs. */
  readonly intermediate: Certificate;
  /** What is granted now; never longer than the chain lasts. */
  readonly rules: IssuanceRules;
  readonly rotation: AuthorityRotation;
  /** @throws {MeshError} ERR_ISSUANCE when the authority has expired or the rules refuse. */
  issue(request: SvidRequest): IssuedSvid;
  /** The list of what the present intermediate has revoked, signed by it. */
  issueCrl(entries: readonly RevokedEntry[]): Crl;
  /**
   * Of each authority whose key is in one of the slots, roots included, what it has revoked by
   * `entriesOf` its serial. Valid for as long as anything that it signed: so a list goes on where its
   * authority is replaced.
   */
  issueCrls(entriesOf: (issuerSerial: string) => readonly RevokedEntry[]): readonly IssuedCrl[];
  /** Those of authorities whose keys are elsewhere, as a plug-in CA brought them. */
  givenCrls(): UsableGivenCrls;
}

export interface AuthorityOptions {
  readonly trustDomain: TrustDomain;
  readonly store: AuthorityStore;
  readonly rules: IssuanceRules;
  readonly clock: Clock;
  /** Of new keys. Default: for a root `ecdsa-p256`, for an intermediate as its root's. */
  readonly algorithm?: KeyAlgorithm;
  /** Whether a root that has expired is replaced; every workload must be enrolled anew then. */
  readonly replaceExpiredRoot?: boolean;
  /** Default 3650 days. */
  readonly rootLifetimeMs?: number;
  /** Default 365 days. */
  readonly intermediateLifetimeMs?: number;
}

const DAY_MS = 86_400_000;

/** Loads the authorities from `store`, or makes and saves them where there are none. */
export async function openCertificateAuthority(
  options: AuthorityOptions,
): Promise<CertificateAuthority> {
  const { trustDomain, store, clock, algorithm } = options;
  const request = (lifetimeMs: number) => ({
    trustDomain,
    nowMs: clock.now(),
    lifetimeMs,
    ...(algorithm === undefined ? {} : { algorithm }),
  });
  const freshRoot = (): Authority => createRoot(request(options.rootLifetimeMs ?? 3650 * DAY_MS));
  const under = (root: Authority): Authorities => {
    const lifetimeMs = options.intermediateLifetimeMs ?? 365 * DAY_MS;
    return { root, intermediate: createIntermediate(root, request(lifetimeMs)) };
  };

  const stored = await store.load();
  const usable = usableAuthorities(stored && takenOver(stored, clock.now()), options);
  const root = usable?.root ?? freshRoot();
  checkTrustDomain(root, trustDomain);
  const { intermediate } = usable ?? {};
  const current = intermediate === undefined ? under(root) : { root, intermediate };
  const slots = usable === undefined ? steady(current) : { ...usable, current };
  const { rotation } = slots;
  const same = stored?.current.intermediate === intermediate && intermediate !== undefined;
  if (!same) await store.save({ current, rotation });

  return rotatingAuthority({
    ...{ trustDomain, clock, rules: options.rules, slots: { current, rotation } },
    save: (next) => store.save(next),
    chainOf: ({ root: { certificate }, intermediate: signer }) => ({
      ...{ signer, above: [], roots: [certificate] },
    }),
    authoritiesOf: (slot) => [slot.intermediate, slot.root],
    ownKeys: true,
    fresh: (role, now) => under(role === 'root' ? freshRoot() : now.root),
    crossSign: (next, old) => crossSign(next.root, old.root, { trustDomain, nowMs: clock.now() }),
    remedy: 'set the clock, or restart the control plane, which makes a new one',
  });
}

/** A root that ends before its successor was activated is no longer worth waiting for anybody. */
function takenOver(stored: KeySlots<Authorities>, nowMs: number): KeySlots<Authorities> {
  const { current, rotation } = stored;
  const ended = nowMs >= current.root.certificate.notAfterMs;
  return ended && rotation.phase === 'distributing' ? activate(stored, nowMs) : stored;
}

function checkTrustDomain(root: Authority, trustDomain: TrustDomain): void {
  const [uri] = root.certificate.uriSans;
  if (uri === trustDomain.id) return;
  throw new MeshError(
    'ERR_STORE',
    `the stored root belongs to "${uri ?? 'no trust domain'}", not to "${trustDomain.id}"; start with the trust domain that the data directory was made with`,
  );
}
