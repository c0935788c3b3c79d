import type { Authority } from '../../src/ca/authority.ts';
import { buildCrl } from '../../src/x509/build-crl.ts';
import type { Crl } from '../../src/x509/crl.ts';
import { encodePem } from '../../src/x509/pem.ts';

const DAY_MS = 86_400_000;

export interface GivenCrlOptions {
  readonly nowMs: number;
  /** Serials. */
  readonly revoked?: readonly string[];
  /** Default an hour ago. */
  readonly thisUpdateMs?: number;
  /** Default in 30 days. */
  readonly nextUpdateMs?: number;
}

/** A revocation list as an operator's own CA signs it. */
export function givenCrl(authority: Authority, options: GivenCrlOptions): Crl {
  const { nowMs, revoked = [] } = options;
  const { thisUpdateMs = nowMs - DAY_MS / 24, nextUpdateMs = nowMs + 30 * DAY_MS } = options;
  const entries = revoked.map(
    (serial) => ({ serial, revokedAtMs: thisUpdateMs, reason: 'superseded' }) as const,
  );
  return buildCrl({ entries, thisUpdateMs, nextUpdateMs, number: thisUpdateMs }, authority);
}

/** The contents of ca-crl.pem. */
export function crlPem(...crls: readonly Crl[]): string {
  return crls.map(({ der }) => encodePem('X509 CRL', der)).join('');
}
