import type { CertificateRevocation } from '../resources/kinds/certificate-revocation.ts';

/** Revocations by the serial that they revoke, in lower-case hex. */
export type RevokedSerials = ReadonlyMap<string, CertificateRevocation['spec']>;

export function revokedSerials(revocations: readonly CertificateRevocation[]): RevokedSerials {
  return new Map(revocations.map(({ metadata, spec }) => [metadata.name, spec]));
}

/** `certificate 4f1e of "spiffe://…" was revoked at 2026-01-01T00:00:00Z (keyCompromise)`. */
export function describeRevocation(
  serial: string,
  { identity, revokedAt, reason }: CertificateRevocation['spec'],
): string {
  return `certificate ${serial} of "${identity}" was revoked at ${revokedAt} (${reason})`;
}
