import { beforeEach, expect, it } from 'vitest';
import { authorizationPolicy, peerAuthentication } from '../../../test/kit/policies.ts';
import type { KindDefinition } from '../../resources/kind-definition.ts';
import { kindOf, kinds } from '../../resources/kinds.ts';
import type { Resource } from '../../resources/resource.ts';
import { FactCatalog, type FactChange, factNameOf } from './distribution-catalog.ts';

const POLICY = 'security.istio.io/v1/PeerAuthentication';
let catalog: FactCatalog;

beforeEach(() => {
  catalog = new FactCatalog({ rootNamespace: 'istio-system', kinds });
});

function kindOfKnown(resource: Resource): KindDefinition {
  const kind = kindOf(resource);
  if (kind === undefined) throw new Error(`${resource.kind} is not a kind`);
  return kind;
}

function is(resource: Resource): FactChange {
  return { kind: kindOfKnown(resource), name: factNameOf(resource), resource };
}

function isGone(resource: Resource): FactChange {
  return { ...is(resource), resource: undefined };
}

function policy(resourceVersion: string): Resource {
  return peerAuthentication({}, { resourceVersion });
}

it('tells who sees a change: those who saw the state before and those who see the new one', () => {
  expect(catalog.apply([is(policy('1'))], 1)).toEqual([
    { typeUrl: POLICY, name: 'shop/default', audiences: ['everybody'] },
  ]);
  const rules = authorizationPolicy({}, { resourceVersion: '2' });
  const [added] = catalog.apply([is(rules)], 2);
  expect(added?.audiences).toEqual([new Set(['shop'])]);
  const [changed] = catalog.apply([is(authorizationPolicy({}, { resourceVersion: '3' }))], 3);
  expect(changed?.audiences).toEqual([new Set(['shop']), new Set(['shop'])]);
  const [gone] = catalog.apply([isGone(rules)], 4);
  expect(gone?.audiences).toEqual([new Set(['shop'])]);
});

it('does nothing for a version that it has, and for the end of what it has not', () => {
  catalog.apply([is(policy('1'))], 1);
  expect(catalog.apply([is(policy('1'))], 2)).toEqual([]);
  expect(catalog.apply([isGone(authorizationPolicy({}))], 3)).toEqual([]);
  expect(catalog.version).toBe(3);
});

it('encodes a version when it is first asked for, and not again', () => {
  catalog.apply([is(policy('1'))], 1);
  expect(catalog.encodings).toBe(0);
  const [shop, bank] = ['shop', 'bank'].map((namespace) => catalog.viewFor(namespace));
  expect(shop?.get(POLICY, 'shop/default')).toBe(bank?.get(POLICY, 'shop/default'));
  expect(catalog.encodings).toBe(1);
  catalog.apply([is(policy('1'))], 2);
  expect([...(shop?.list(POLICY) ?? [])]).toHaveLength(1);
  expect(catalog.encodings).toBe(1);
});

it('refuses kinds that are not distributed', () => {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'key', namespace: 'shop', resourceVersion: '1' },
  };
  expect(catalog.apply([is(secret)], 1)).toEqual([]);
  expect([...catalog.viewFor('shop').list('core/v1/Secret')]).toEqual([]);
  expect(catalog.namesOf(kindOfKnown(secret))).toEqual([]);
});

it('gives a view that follows it and hides what is not for its namespace', () => {
  const view = catalog.viewFor('bank');
  catalog.apply([is(policy('1')), is(authorizationPolicy({}, { resourceVersion: '2' }))], 2);
  expect(view.version).toBe(2);
  expect(view.get(POLICY, 'shop/default')?.message.version).toBe('1');
  expect([...view.list('security.istio.io/v1/AuthorizationPolicy')]).toEqual([]);
  expect(view.get('security.istio.io/v1/AuthorizationPolicy', 'shop/policy')).toBeUndefined();
  expect(view.get('unknown', 'shop/policy')).toBeUndefined();
});
