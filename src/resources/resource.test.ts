import { expect, it } from 'vitest';
import { groupOf, keyOf, keyText, qualify, type Resource } from './resource.ts';

const policy: Resource = {
  apiVersion: 'security.istio.io/v1beta1',
  kind: 'PeerAuthentication',
  metadata: { name: 'default', namespace: 'shop' },
};

it.each([
  [policy, 'PeerAuthentication.security.istio.io/shop/default'],
  [
    { ...policy, apiVersion: 'security.istio.io/v1' },
    'PeerAuthentication.security.istio.io/shop/default',
  ],
  [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'b' } }, 'Service/b/a'],
  [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'b' } }, 'Namespace/b'],
])(
  'keys a resource by qualified kind, namespace and name, whatever its version: %#',
  (resource, text) => {
    expect(keyText(keyOf(resource))).toBe(text);
  },
);

it('has no namespace in the key of a cluster-scoped resource', () => {
  expect(keyOf({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'b' } })).toEqual({
    kind: 'Namespace',
    name: 'b',
  });
});

it.each([
  ['v1', ''],
  ['security.istio.io/v1', 'security.istio.io'],
])('reads the group of %s', (apiVersion, group) => {
  expect(groupOf(apiVersion)).toBe(group);
});

it('leaves core kinds bare', () => {
  expect(qualify('Secret', '')).toBe('Secret');
});
