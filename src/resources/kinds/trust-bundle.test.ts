import { expect, it } from 'vitest';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { validateResource } from '../validate-resource.ts';

const good = {
  apiVersion: 'security.hauberk.dev/v1alpha1',
  kind: 'TrustBundle',
  metadata: { name: 'cluster.local' },
  spec: { trustDomain: 'cluster.local', document: testAuthority().bundle.toJwks() },
};

it('takes what the control plane writes', () => {
  expect(validateResource(good)).not.toHaveProperty('problems');
});

it.each([
  ['spec.trustDomain', { trustDomain: 'Cluster.Local' }],
  ['spec.trustDomain', { trustDomain: 'spiffe://cluster.local' }],
  ['spec.document', { document: '' }],
  ['spec.document', { document: '{"keys":{}}' }],
  ['spec.document', { document: `{"keys":[],"pad":"${'x'.repeat(1024 * 1024)}"}` }],
])('refuses a wrong %s', (field, spec) => {
  expect(validateResource({ ...good, spec: { ...good.spec, ...spec } })).toMatchObject({
    problems: [expect.objectContaining({ field })],
  });
});
