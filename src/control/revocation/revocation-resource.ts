import { qualifiedKind, storedApiVersion } from '../../resources/kind-definition.ts';
import {
  type CertificateRevocation,
  certificateRevocation,
  type RevocationReason,
} from '../../resources/kinds/certificate-revocation.ts';
import type { Resource } from '../../resources/resource.ts';

/** A certificate that was revoked. */
export interface Revocation {
  readonly serial: string;
  /** The SPIFFE ID in it. */
  readonly id: string;
  readonly issuerSerial: string;
  readonly reason: RevocationReason;
  readonly revokedAtMs: number;
  /** When the certificate would have expired. */
  readonly notAfterMs: number;
}

export const REVOCATION_KIND: string = qualifiedKind(certificateRevocation);

export function revocationResource(revocation: Revocation): CertificateRevocation {
  const { serial, id, issuerSerial, reason, revokedAtMs, notAfterMs } = revocation;
  return {
    apiVersion: storedApiVersion(certificateRevocation),
    kind: 'CertificateRevocation',
    metadata: { name: serial },
    spec: {
      ...{ identity: id, issuerSerial, reason },
      revokedAt: new Date(revokedAtMs).toISOString(),
      notAfter: new Date(notAfterMs).toISOString(),
    },
  };
}

export function readRevocation(resource: Resource): Revocation {
  const { metadata, spec } = resource as CertificateRevocation;
  const { identity: id, issuerSerial, reason, revokedAt, notAfter } = spec;
  return {
    ...{ serial: metadata.name, id, issuerSerial, reason },
    ...{ revokedAtMs: Date.parse(revokedAt), notAfterMs: Date.parse(notAfter) },
  };
}
