import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import { buildCertificate } from '../x509/build-certificate.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Csr } from '../x509/csr.ts';
import { type Authority, BACKDATE_MS, randomSerial } from './authority.ts';
import { grantedLifetimeMs, type IssuanceRules } from './issuance-rules.ts';

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
  /** Leaf, its signer, then what leads to the root, and past it while it is new; the root is not part of it. */
  readonly chain: readonly [Certificate, Certificate, ...Certificate[]];
  readonly root: Certificate;
}

interface Signing {
  readonly signer: Authority;
  /** Between the signer and the root, nearest first. */
  readonly above: readonly Certificate[];
  readonly root: Certificate;
  /** The root's key under another root, for those who know only that one. */
  readonly cross?: Certificate | undefined;
  readonly options: {
    readonly trustDomain: TrustDomain;
    readonly clock: Clock;
    readonly rules: IssuanceRules;
  };
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
  // One that ends before the leaf would make the whole chain look expired.
  const shown = signing.cross !== undefined && signing.cross.notAfterMs >= leaf.notAfterMs;
  return { chain: [leaf, signer, ...above, ...(shown ? [signing.cross] : [])], root };
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
