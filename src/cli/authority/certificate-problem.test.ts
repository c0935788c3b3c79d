import { describe, expect, it } from 'vitest';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { certificateProblem } from './certificate-problem.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 5, 1);
const authority = testAuthority({ nowMs: NOW_MS });
const { cert } = authority.pems(authority.issue('spiffe://cluster.local/ns/a/sa/b'));

describe('certificateProblem', () => {
  it('finds nothing wrong with a chain that is valid', () => {
    expect(certificateProblem(cert, NOW_MS + HOUR_MS)).toBeUndefined();
  });

  it.each([
    [cert, NOW_MS + 48 * HOUR_MS, /^its certificate expired at 2026-06-02T/],
    [cert, NOW_MS - 48 * HOUR_MS, /^its certificate is not valid before 2026-05-31T/],
    ['-----BEGIN PRIVATE KEY-----\n', NOW_MS, /^it has no certificate$/],
    [
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
      NOW_MS,
      /^its certificate cannot be read/,
    ],
  ])('says what is wrong, case %#', (pem, atMs, problem) => {
    expect(certificateProblem(pem, atMs)).toMatch(problem);
  });
});
