import { buildCrl } from '../x509/build-crl.ts';
import type { Crl, RevokedEntry } from '../x509/crl.ts';
import { type Authority, BACKDATE_MS } from './authority.ts';

const DAY_MS = 24 * 3_600_000;

/**
 * The list of what `authority` has revoked, dated back as certificates are. Its number is the time
 * in milliseconds, which grows by itself and needs no counter that a restore could set back.
 *
 * @param validityMs how long it may be relied on, in milliseconds. Default a day.
 */
export function issueCrl(
  authority: Authority,
  entries: readonly RevokedEntry[],
  nowMs: number,
  validityMs: number = DAY_MS,
): Crl {
  const { notBeforeMs, notAfterMs } = authority.certificate;
  return buildCrl(
    {
      ...{ entries, number: nowMs },
      thisUpdateMs: Math.max(nowMs - BACKDATE_MS, notBeforeMs),
      nextUpdateMs: Math.min(nowMs + validityMs, notAfterMs),
    },
    authority,
  );
}
