import { createClient } from '@connectrpc/connect';
import { IstioCertificateService } from '../../gen/istio/v1/auth/ca_pb.js';
import { MeshError } from '../../lib/errors.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { verifyPeer } from '../../spiffe/verify-peer.ts';
import { parseX509Svid } from '../../spiffe/x509-svid.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { createCsr } from '../../x509/csr.ts';
import { generateKeyPair, type KeyPair } from '../../x509/key-pair.ts';
import { decodePem, encodePem } from '../../x509/pem.ts';
import { serverTimeIn } from '../../xds/time-header.ts';
import { controlPlaneError } from '../link/control-plane-error.ts';
import type { ControlPlaneLink } from '../link/control-plane-link.ts';

export interface SvidCall {
  readonly link: ControlPlaneLink;
  /** The enrolment token; undefined when the link shows the present SVID. */
  readonly bearer: string | undefined;
  /** What the answer's chain must lead to. */
  readonly bundle: TrustBundle;
  /** Asked lifetime in seconds, 0 for the control plane's default. */
  readonly lifetimeS: number;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** The key to certify. Made fresh unless an earlier, unanswered call had one. */
  readonly keys: KeyPair;
  /** Names whose identity is asked for, where it is not the own one. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Told the control plane's time, in milliseconds since 1970, as soon as it answers. */
  readonly answered?: (serverMs: number) => void;
}

const CALL_TIMEOUT_MS = 15_000;

/** A key of a workload: made here, kept in memory only. */
export function newWorkloadKey(): KeyPair {
  return generateKeyPair('ecdsa-p256');
}

/**
 * One CreateCertificate call. The answer is believed only when its chain leads to a root that we
 * already trust.
 *
 * @throws {MeshError} ERR_UNAUTHENTICATED or ERR_FORBIDDEN when refused, ERR_UNREACHABLE when worth
 *   another try, ERR_SVID or ERR_PATH when the answer is not usable.
 */
export async function requestSvid(call: SvidCall): Promise<Identity> {
  const { link, bearer, bundle, keys, nowMs } = call;
  const client = createClient(IstioCertificateService, link.transport);
  const csr = encodePem('CERTIFICATE REQUEST', createCsr(keys));
  const response = await client
    .createCertificate(
      { csr, validityDuration: BigInt(call.lifetimeS), metadata: { ...call.metadata } },
      {
        signal: call.signal,
        timeoutMs: CALL_TIMEOUT_MS,
        onHeader: (header) => {
          const serverMs = serverTimeIn(header);
          if (serverMs !== undefined) call.answered?.(serverMs);
        },
        ...(bearer === undefined ? {} : { headers: { authorization: `Bearer ${bearer}` } }),
      },
    )
    .catch((error: unknown) => {
      throw controlPlaneError(error);
    });
  const certificates = response.certChain
    .slice(0, -1)
    .flatMap((pem) => decodePem(pem, 'CERTIFICATE'))
    .map((der) => parseCertificate(der));
  if (certificates.length === 0)
    throw new MeshError('ERR_SVID', 'the control plane answered without a certificate');
  const bundles = (): TrustBundle => bundle;
  verifyPeer({ chain: certificates, bundles, nowMs });
  const svid = parseX509Svid({ chain: certificates, privateKey: keys.privateKey });
  return { svid, bundle, issuedAtMs: nowMs };
}
