import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import { fingerprint } from '../../x509/certificate.ts';

/** The pin that enrolment tokens carry: SHA-256 of the first root. */
export function rootFingerprint({ bundle }: CertificateAuthority): string {
  return bundle.current.x509Authorities.map(fingerprint)[0] ?? '';
}
