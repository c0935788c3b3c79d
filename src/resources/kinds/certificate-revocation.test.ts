import { expect, it } from 'vitest';
import { validateResource } from '../validate-resource.ts';

const good = {
  apiVersion: 'security.hauberk.dev/v1alpha1',
  kind: 'CertificateRevocation',
  metadata: { name: '4f1e' },
  spec: {
    identity: 'spiffe://cluster.local/ns/shop/sa/reviews',
    issuerSerial: '0a',
    reason: 'keyCompromise',
    revokedAt: '2026-01-01T00:00:00.000Z',
    notAfter: '2026-01-02T00:00:00.000Z',
  },
};

it('takes what the control plane writes', () => {
  expect(validateResource(good)).not.toHaveProperty('problems');
});

it.each([
  ['metadata.name', { ...good, metadata: { name: 'reviews' } }],
  ['spec.identity', { ...good, spec: { ...good.spec, identity: 'reviews' } }],
  ['spec.issuerSerial', { ...good, spec: { ...good.spec, issuerSerial: 'xyz' } }],
  ['spec.reason', { ...good, spec: { ...good.spec, reason: 'boredom' } }],
  ['spec.revokedAt', { ...good, spec: { ...good.spec, revokedAt: 'yesterday' } }],
  ['spec.notAfter', { ...good, spec: { ...good.spec, notAfter: '' } }],
])('refuses a wrong %s', (field, resource) => {
  expect(validateResource(resource)).toMatchObject({
    problems: [expect.objectContaining({ field })],
  });
});
