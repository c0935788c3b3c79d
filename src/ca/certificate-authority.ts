import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import { type Watchable, WatchableValue } from '../lib/watchable.ts';
import type { SpiffeId } from '../spiffe/spiffe-id.ts';
import { TrustBundle } from '../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import { buildCertificate } from '../x509/build-certificate.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Crl, RevokedEntry } from '../x509/crl.ts';
import type { Csr } from '../x509/csr.ts';
import type { KeyAlgorithm } from '../x509/key-pair.ts';
import {
  type Authority,
  BACKDATE_MS,
  createIntermediate,
  createRoot,
  randomSerial,
} from './authority.ts';
import type { AuthorityStore } from './authority-store.ts';
import { grantedLifetimeMs, type IssuanceRules, rulesWithin } from './issuance-rules.ts';
import { issueCrl } from './issue-crl.ts';
import { issueCrls } from './issue-crls.ts';
import { usableAuthorities } from './usable-authorities.ts';

export interface SvidRequest {
  /** Who asks, as authenticated. Nothing in the CSR changes it. */
  readonly id: SpiffeId;
  /** Already checked against its own signature; only its key is used. */
  readonly csr: Pick<Csr, 'publicKey' | 'commonName'>;
  /** 0 asks for the default. */
  readonly lifetimeMs: number;
  /** The operator's limit for this identity. */
  readonly ceilingMs?: number | undefined;
  readonly dnsSans?: readonly string[];
  /** Canonical text. */
  readonly ipSans?: readonly string[];
}

export interface IssuedSvid {
  /** Leaf, its signer, then what lies between that and the root; the root is not part of it. */
  readonly chain: readonly [Certificate, Certificate, ...Certificate[]];
  readonly root: Certificate;
}

/** A revocation list and who signed it. */
export interface IssuedCrl {
  readonly issuer: Certificate;
  readonly crl: Crl;
}

/** Signs X509-SVIDs of one trust domain. */
export interface CertificateAuthority {
  readonly trustDomain: TrustDomain;
  readonly bundle: Watchable<TrustBundle>;
  readonly intermediate: Certificate;
  /** What is granted now; never longer than the chain lasts. */
  readonly rules: IssuanceRules;
  /** @throws {MeshError} ERR_ISSUANCE when the authority has expired or the rules refuse. */
  issue(request: SvidRequest): IssuedSvid;
  /** The list of what the present intermediate has revoked, signed by it. */
  issueCrl(entries: readonly RevokedEntry[]): Crl;
  /**
   * Of each authority whose key is here, roots included, what it has revoked by `entriesOf` its serial.
   * Valid for as long as anything that it signed: so a list goes on where its authority is replaced.
   */
  issueCrls(entriesOf: (issuerSerial: string) => readonly RevokedEntry[]): readonly IssuedCrl[];
  /** Replaces the intermediate once it is past half of its life. Safe at once: peers trust the root. */
  renewIntermediate(): Promise<boolean>;
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
  const stored = usableAuthorities(await store.load(), options);
  const request = (lifetimeMs: number) => ({
    trustDomain,
    nowMs: clock.now(),
    lifetimeMs,
    ...(algorithm === undefined ? {} : { algorithm }),
  });
  const freshIntermediate = (root: Authority): Authority =>
    createIntermediate(root, request(options.intermediateLifetimeMs ?? 365 * DAY_MS));

  const root = stored?.root ?? createRoot(request(options.rootLifetimeMs ?? 3650 * DAY_MS));
  checkTrustDomain(root, trustDomain);
  let intermediate = stored?.intermediate ?? freshIntermediate(root);
  if (stored?.intermediate === undefined) await store.save({ root, intermediate });
  const bundle = new WatchableValue(TrustBundle.of(trustDomain, [root.certificate]));
  const rules = rulesWithin(options.rules, root.certificate.notAfterMs - clock.now());

  return {
    trustDomain,
    bundle,
    get intermediate() {
      return intermediate.certificate;
    },
    rules,
    issue: (svid) =>
      issueSvid(svid, {
        signer: intermediate,
        above: [],
        root: root.certificate,
        options: { trustDomain, clock, rules },
        remedy: 'set the clock, or restart the control plane, which makes a new one',
      }),
    issueCrl: (entries) => issueCrl(intermediate, entries, clock.now()),
    issueCrls: (entriesOf) => issueCrls([intermediate, root], entriesOf, { clock, rules }),
    async renewIntermediate() {
      const { notBeforeMs, notAfterMs } = intermediate.certificate;
      if (clock.now() < (notBeforeMs + notAfterMs) / 2) return false;
      const next = freshIntermediate(root);
      await store.save({ root, intermediate: next });
      intermediate = next;
      return true;
    },
  };
}

export interface Signing {
  readonly signer: Authority;
  /** Between the signer and the root, nearest first. */
  readonly above: readonly Certificate[];
  readonly root: Certificate;
  readonly options: Pick<AuthorityOptions, 'trustDomain' | 'clock' | 'rules'>;
  /** What an operator does when the chain has expired. */
  readonly remedy: string;
}

/** The leaf's shape follows Istio's: URI SAN only, critical, empty subject unless the CSR had a CN. */
export function issueSvid(request: SvidRequest, signing: Signing): IssuedSvid {
  const { id, csr } = request;
  const { above, root, options } = signing;
  if (!id.trustDomain.equals(options.trustDomain)) {
    throw new MeshError(
      'ERR_ISSUANCE',
      `"${id}" is not of trust domain "${options.trustDomain.name}"`,
    );
  }
  const nowMs = options.clock.now();
  const signer = signing.signer.certificate;
  const chain = [signer, ...above, root];
  for (const certificate of chain) refuseOutOfTime(certificate, nowMs, signing.remedy);
  const lifetimeMs = grantedLifetimeMs(options.rules, request.lifetimeMs, request.ceilingMs);
  const leaf = buildCertificate(
    {
      serial: randomSerial(),
      subject: csr.commonName === undefined ? [] : [{ type: 'CN', value: shortName(id) }],
      notBeforeMs: Math.max(nowMs - BACKDATE_MS, signer.notBeforeMs),
      notAfterMs: Math.min(nowMs + lifetimeMs, ...chain.map(({ notAfterMs }) => notAfterMs)),
      publicKey: csr.publicKey,
      isCa: false,
      keyUsage: ['digitalSignature', 'keyEncipherment'],
      extendedKeyUsage: ['serverAuth', 'clientAuth'],
      uriSans: [id.toString()],
      ...(request.dnsSans === undefined ? {} : { dnsSans: request.dnsSans }),
      ...(request.ipSans === undefined ? {} : { ipSans: request.ipSans }),
    },
    { certificate: signer, privateKey: signing.signer.privateKey },
  );
  return { chain: [leaf, signer, ...above], root };
}

const LONGEST_COMMON_NAME = 64;

function shortName(id: SpiffeId): string {
  return id.toString().slice('spiffe://'.length).slice(0, LONGEST_COMMON_NAME);
}

function refuseOutOfTime(certificate: Certificate, nowMs: number, remedy: string): void {
  const { notBeforeMs, notAfterMs, serial } = certificate;
  if (nowMs >= notBeforeMs && nowMs < notAfterMs) return;
  const [what, atMs] =
    nowMs < notBeforeMs ? (['begins', notBeforeMs] as const) : (['expired', notAfterMs] as const);
  throw new MeshError(
    'ERR_ISSUANCE',
    `the signing certificate ${serial} ${what} at ${new Date(atMs).toISOString()}, the clock says ${new Date(nowMs).toISOString()}; ${remedy}`,
  );
}

function checkTrustDomain(root: Authority, trustDomain: TrustDomain): void {
  const [uri] = root.certificate.uriSans;
  if (uri === trustDomain.id) return;
  throw new MeshError(
    'ERR_STORE',
    `the stored root belongs to "${uri ?? 'no trust domain'}", not to "${trustDomain.id}"; start with the trust domain that the data directory was made with`,
  );
}
