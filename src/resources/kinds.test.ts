import { expect, it } from 'vitest';
import { qualifiedKind, storedApiVersion } from './kind-definition.ts';
import { kindNamed, kindOf, kinds } from './kinds.ts';

it.each([
  ['pa', 'PeerAuthentication.security.istio.io'],
  ['PeerAuthentication', 'PeerAuthentication.security.istio.io'],
  ['peerauthentications', 'PeerAuthentication.security.istio.io'],
  ['peerauthentications.security.istio.io', 'PeerAuthentication.security.istio.io'],
  ['peerauthentication.security.istio.io', 'PeerAuthentication.security.istio.io'],
  ['AUTHORIZATIONPOLICY', 'AuthorizationPolicy.security.istio.io'],
  ['ap', 'AuthorizationPolicy.security.istio.io'],
  ['we', 'WorkloadEntry.networking.istio.io'],
  ['svc', 'Service'],
  ['services', 'Service'],
  ['sa', 'ServiceAccount'],
  ['ns', 'Namespace'],
  ['secret', 'Secret'],
])('knows %s by name', (name, qualified) => {
  const definition = kindNamed(name);
  expect(definition && qualifiedKind(definition)).toBe(qualified);
});

it.each(['', 'replicaset', 'services.networking.istio.io', 'constructor'])(
  'does not know %j',
  (name) => {
    expect(kindNamed(name)).toBeUndefined();
  },
);

it.each([
  ['v1', 'Service', 'v1'],
  ['security.istio.io/v1', 'PeerAuthentication', 'security.istio.io/v1'],
  ['security.istio.io/v1beta1', 'AuthorizationPolicy', 'security.istio.io/v1'],
  ['networking.istio.io/v1alpha3', 'WorkloadEntry', 'networking.istio.io/v1'],
])('serves %s %s and stores it as %s', (apiVersion, kind, stored) => {
  const definition = kindOf({ apiVersion, kind });
  expect(definition && storedApiVersion(definition)).toBe(stored);
});

it.each([
  ['v2', 'Service'],
  ['security.istio.io/v1alpha1', 'PeerAuthentication'],
  ['networking.istio.io/v1', 'PeerAuthentication'],
  ['/v1', 'Service'],
  ['security.istio.io/', 'PeerAuthentication'],
])('does not serve %s %s', (apiVersion, kind) => {
  expect(kindOf({ apiVersion, kind })).toBeUndefined();
});

it('gives no two kinds one name', () => {
  const names = kinds.flatMap(({ kind, plural, shortNames }) => [kind, plural, ...shortNames]);
  expect(new Set(names).size).toBe(names.length);
});

it('shows Secrets to nobody and seals them', () => {
  const secret = kindNamed('secret');
  expect([secret?.visibility, secret?.confidential]).toEqual(['never', true]);
});

it('tells agents of the policies and networking that they enforce, and of nothing else', () => {
  const facts = kinds.filter(
    ({ visibility, confidential }) => visibility !== 'never' && !confidential,
  );
  const groups = new Set(facts.map(({ group }) => group));
  expect(groups).toEqual(
    new Set([
      '',
      'networking.istio.io',
      'security.istio.io',
      'telemetry.istio.io',
      'security.hauberk.dev',
      'install.istio.io',
    ]),
  );
  expect(facts.filter(({ group }) => group === '').map(({ kind }) => kind)).toEqual([
    'ServiceAccount',
    'ConfigMap',
    'Service',
  ]);
});

it.each(['role', 'clusterrolebinding', 'ev', 'po', 'certificate', 'issuer', 'smon'])(
  'tells no agent of %s',
  (name) => {
    expect(kindNamed(name)?.visibility).toBe('never');
  },
);
