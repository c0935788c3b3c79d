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
import { grantedLifetimeMs, type IssuanceRules } from './issuance-rules.ts';
import { issueCrl } from './issue-crl.ts';

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
}

export interface IssuedSvid {
  /** Leaf first, then the intermediate; the root is not part of it. */
  readonly chain: readonly [Certificate, Certificate];
  readonly root: Certificate;
}

/** Signs X509-SVIDs of one trust domain. */
export interface CertificateAuthority {
  readonly trustDomain: TrustDomain;
  readonly bundle: Watchable<TrustBundle>;
  readonly intermediate: Certificate;
  /** @throws {MeshError} ERR_ISSUANCE when the authority has expired or the rules refuse. */
  issue(request: SvidRequest): IssuedSvid;
  /** The list of what the present intermediate has revoked, signed by it. */
  issueCrl(entries: readonly RevokedEntry[]): Crl;
  /** Replaces the intermediate once it is past half of its life. Safe at once: peers trust the root. */
  renewIntermediate(): Promise<boolean>;
}

export interface AuthorityOptions {
  readonly trustDomain: TrustDomain;
  readonly store: AuthorityStore;
  readonly rules: IssuanceRules;
  readonly clock: Clock;
  /** Default `ecdsa-p256`. */
  readonly algorithm?: KeyAlgorithm;
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
  const stored = await store.load();
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
  if (stored === undefined) await store.save({ root, intermediate });
  const bundle = new WatchableValue(TrustBundle.of(trustDomain, [root.certificate]));

  return {
    trustDomain,
    bundle,
    get intermediate() {
      return intermediate.certificate;
    },
    issue: (svid) => issueSvid(svid, { root, intermediate, options }),
    issueCrl: (entries) => issueCrl(intermediate, entries, clock.now()),
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

interface Signing {
  readonly root: Authority;
  readonly intermediate: Authority;
  readonly options: AuthorityOptions;
}

/** The leaf's shape follows Istio's: URI SAN only, critical, empty subject unless the CSR had a CN. */
function issueSvid(request: SvidRequest, { root, intermediate, options }: Signing): IssuedSvid {
  const { id, csr } = request;
  if (!id.trustDomain.equals(options.trustDomain)) {
    throw new MeshError(
      'ERR_ISSUANCE',
      `"${id}" is not of trust domain "${options.trustDomain.name}"`,
    );
  }
  const nowMs = options.clock.now();
  const signer = intermediate.certificate;
  refuseExpired(signer, nowMs);
  const lifetimeMs = grantedLifetimeMs(options.rules, request.lifetimeMs, request.ceilingMs);
  const leaf = buildCertificate(
    {
      serial: randomSerial(),
      subject: csr.commonName === undefined ? [] : [{ type: 'CN', value: shortName(id) }],
      notBeforeMs: Math.max(nowMs - BACKDATE_MS, signer.notBeforeMs),
      notAfterMs: Math.min(nowMs + lifetimeMs, signer.notAfterMs, root.certificate.notAfterMs),
      publicKey: csr.publicKey,
      isCa: false,
      keyUsage: ['digitalSignature', 'keyEncipherment'],
      extendedKeyUsage: ['serverAuth', 'clientAuth'],
      uriSans: [id.toString()],
      ...(request.dnsSans === undefined ? {} : { dnsSans: request.dnsSans }),
    },
    { certificate: signer, privateKey: intermediate.privateKey },
  );
  return { chain: [leaf, signer], root: root.certificate };
}

const LONGEST_COMMON_NAME = 64;

function shortName(id: SpiffeId): string {
  return id.toString().slice('spiffe://'.length).slice(0, LONGEST_COMMON_NAME);
}

function refuseExpired(signer: Certificate, nowMs: number): void {
  if (nowMs < signer.notAfterMs) return;
  throw new MeshError(
    'ERR_ISSUANCE',
    `the signing certificate ${signer.serial} expired at ${new Date(signer.notAfterMs).toISOString()}, the clock says ${new Date(nowMs).toISOString()}; restart the control plane with a right clock`,
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
