import { expect, it } from 'vitest';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import { isCrlSignedBy } from '../x509/crl.ts';
import { createIntermediate, createRoot } from './authority.ts';
import { issueCrl } from './issue-crl.ts';

const nowMs = Date.UTC(2026, 0, 1);
const request = {
  trustDomain: TrustDomain.parse('cluster.local'),
  ...{ nowMs, lifetimeMs: 10 * 86_400_000 },
};
const intermediate = createIntermediate(createRoot(request), request);
const entries = [{ serial: '4f1e', revokedAtMs: nowMs, reason: 'superseded' as const }];

it('is signed by the authority, valid for a day, numbered by the time', () => {
  const laterMs = nowMs + 3_600_000;
  const crl = issueCrl(intermediate, entries, laterMs);
  expect(isCrlSignedBy(crl, intermediate.certificate.publicKey)).toBe(true);
  expect(crl).toMatchObject({
    ...{ number: laterMs, entries, issuer: intermediate.certificate.subject },
    thisUpdateMs: laterMs - 120_000,
    nextUpdateMs: laterMs + 86_400_000,
  });
});

it('never outlives the authority', () => {
  const crl = issueCrl(intermediate, entries, nowMs + 9.5 * 86_400_000);
  expect(crl.nextUpdateMs).toBe(intermediate.certificate.notAfterMs);
});
