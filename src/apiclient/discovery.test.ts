import { describe, expect, it } from 'vitest';
import { type ApiResource, Discovery, objectText, pathOf } from './discovery.ts';

function kind(
  group: string,
  version: string,
  name: string,
  more: Partial<ApiResource> = {},
): ApiResource {
  const singular = name.toLowerCase();
  return {
    ...{ group, version, kind: name, singular, plural: `${singular}s` },
    ...{ shortNames: [], categories: [], namespaced: true, verbs: ['get', 'list'] },
    ...more,
  };
}

const service = kind('', 'v1', 'Service', { shortNames: ['svc'], categories: ['all'] });
const v1 = kind('networking.istio.io', 'v1', 'DestinationRule', { shortNames: ['dr'] });
const alpha = { ...v1, version: 'v1alpha3' };
const other = kind('example.com', 'v1', 'Service', { categories: ['all'] });
const discovery = new Discovery([service, v1, alpha, other]);

describe('a kind', () => {
  it.each<[string, ApiResource]>([
    ['service', service],
    ['Services', service],
    ['svc', service],
    ['dr', v1],
    ['destinationrules.networking.istio.io', v1],
    ['destinationrules.v1alpha3.networking.istio.io', alpha],
    ['services.example.com', other],
  ])('is found as %s', (text, found) => {
    expect(discovery.named(text)).toBe(found);
  });

  it('that there is not is refused, with what was probably meant', () => {
    expect(() => discovery.require('destinationrul')).toThrow(
      `the server doesn't have a resource type "destinationrul"; did you mean "destinationrules"?`,
    );
    expect(discovery.named('svc.example.org')).toBeUndefined();
  });

  it('is that of an object in its version', () => {
    const object = { apiVersion: 'networking.istio.io/v1alpha3', kind: 'DestinationRule' };
    expect(discovery.kindOf(object)).toBe(alpha);
    expect(discovery.kindOf({ ...object, apiVersion: 'v1' })).toBeUndefined();
  });
});

it('has each kind of a category once', () => {
  expect(discovery.inCategory('all')).toEqual([service, other]);
});

it('escapes what goes into a path', () => {
  expect(pathOf(v1, { namespace: 'a/b', name: '../x?y', subresource: 'status' })).toBe(
    '/apis/networking.istio.io/v1/namespaces/a%2Fb/destinationrules/..%2Fx%3Fy/status',
  );
  expect(pathOf({ ...service, namespaced: false }, { namespace: 'shop', name: 'x' })).toBe(
    '/api/v1/services/x',
  );
});

it('writes an object as kubectl does', () => {
  expect([objectText(service, 'web'), objectText(v1, 'web')]).toEqual([
    ...['service/web', 'destinationrule.networking.istio.io/web'],
  ]);
});
