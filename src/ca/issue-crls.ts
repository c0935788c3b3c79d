import type { Clock } from '../lib/clock.ts';
import type { RevokedEntry } from '../x509/crl.ts';
import type { Authority } from './authority.ts';
import type { IssuedCrl } from './certificate-authority.ts';
import type { IssuanceRules } from './issuance-rules.ts';
import { issueCrl } from './issue-crl.ts';

/** The lists of several authorities, each valid for as long as a leaf of today may live. */
export function issueCrls(
  authorities: readonly Authority[],
  entriesOf: (issuerSerial: string) => readonly RevokedEntry[],
  { clock, rules }: { readonly clock: Clock; readonly rules: IssuanceRules },
): readonly IssuedCrl[] {
  return authorities.map((authority) => {
    const { certificate: issuer } = authority;
    const entries = entriesOf(issuer.serial);
    const crl = issueCrl(authority, entries, clock.now(), rules.maxLifetimeMs);
    return { issuer, crl };
  });
}
