import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bundleName } from './bundle-name.ts';
import { TrustDomain } from './trust-domain.ts';

const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

it('is the trust domain where that is a DNS name', () => {
  expect(bundleName(TrustDomain.parse('cluster.local'))).toBe('cluster.local');
});

it.each(['under_score', '-dash', 'a..b', 'x'.repeat(254)])('is a hash for %s', (name) => {
  expect(bundleName(TrustDomain.parse(name))).toMatch(/^sha256-[0-9a-f]{64}$/);
});

it('is always a name of an object, and that of no other trust domain', () => {
  const domain = fc
    .stringMatching(/^(?:sha256-)?[a-z0-9._-]{1,30}$/)
    .map((name) => TrustDomain.parse(name));
  fc.assert(
    fc.property(domain, domain, (one, other) => {
      expect(bundleName(one)).toMatch(SUBDOMAIN);
      expect(bundleName(one) === bundleName(other)).toBe(one.equals(other));
    }),
  );
});
