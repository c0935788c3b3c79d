import { describe, expect, it } from 'vitest';
import { configMap, peerAuthentication, service } from '../../../test/kit/policies.ts';
import type { KindDefinition } from '../../resources/kind-definition.ts';
import { peerAuthentication as peerAuthenticationKind } from '../../resources/kinds/peer-authentication.ts';
import { service as serviceKind } from '../../resources/kinds/service.ts';
import { kindNamed, kinds } from '../../resources/kinds.ts';
import type { Resource } from '../../resources/resource.ts';
import { audienceOf, isDistributed, isIn } from './distribution-audience.ts';

const ROOT = 'istio-system';

function kindWith(visibility: KindDefinition['visibility']): KindDefinition {
  return { ...peerAuthenticationKind, visibility } as unknown as KindDefinition;
}

/** Who of these namespaces may see a policy in `home`. */
function viewers(visibility: KindDefinition['visibility'], home: string): readonly string[] {
  const policy = peerAuthentication({}, { namespace: home });
  const audience = audienceOf(kindWith(visibility), policy, ROOT);
  return ['shop', 'bank', ROOT].filter((namespace) => isIn(namespace, audience));
}

it.each<[KindDefinition['visibility'], string, readonly string[]]>([
  ['mesh', 'shop', ['shop', 'bank', ROOT]],
  ['mesh', ROOT, ['shop', 'bank', ROOT]],
  ['own-and-root', 'shop', ['shop']],
  ['own-and-root', ROOT, ['shop', 'bank', ROOT]],
  ['own', 'shop', ['shop']],
  ['own', ROOT, [ROOT]],
  ['never', 'shop', []],
  ['never', ROOT, []],
])('a resource of visibility %s in %s is seen by %j', (visibility, home, expected) => {
  expect(viewers(visibility, home)).toEqual(expected);
});

describe('a Service', () => {
  it.each<[string | undefined, readonly string[]]>([
    [undefined, ['shop', 'bank', 'other']],
    ['', ['shop', 'bank', 'other']],
    ['*', ['shop', 'bank', 'other']],
    ['.,*', ['shop', 'bank', 'other']],
    ['.', ['shop']],
    ['shop', ['shop']],
    ['bank', ['bank']],
    [' . , bank ,', ['shop', 'bank']],
    ['~', []],
  ])('with exportTo %j is seen by %j', (exportTo, expected) => {
    const annotations = exportTo === undefined ? {} : { 'networking.istio.io/exportTo': exportTo };
    const audience = audienceOf(
      serviceKind as unknown as KindDefinition,
      service({}, { annotations }),
      ROOT,
    );
    expect(['shop', 'bank', 'other'].filter((namespace) => isIn(namespace, audience))).toEqual(
      expected,
    );
  });
});

it('leaves the annotation of a Service alone on other kinds', () => {
  const policy = peerAuthentication({}, { annotations: { 'networking.istio.io/exportTo': '.' } });
  expect(audienceOf(kindWith('mesh'), policy, ROOT)).toBe('everybody');
});

it('gives what has no namespace to nobody, unless its kind is for the whole mesh', () => {
  const { metadata, ...rest } = peerAuthentication({});
  const clusterScoped = { ...rest, metadata: { name: metadata.name } };
  expect(audienceOf(kindWith('mesh'), clusterScoped, ROOT)).toBe('everybody');
  for (const visibility of ['own', 'own-and-root'] as const)
    expect(audienceOf(kindWith(visibility), clusterScoped, ROOT)).toEqual(new Set());
});

it('never distributes what is confidential, whatever else its kind says', () => {
  const careless = { ...kindWith('mesh'), confidential: true };
  expect(isDistributed(careless)).toBe(false);
  expect(audienceOf(careless, peerAuthentication({}), ROOT)).toEqual(new Set());
});

describe('ConfigMaps', () => {
  const kind = kindNamed('cm') as KindDefinition;
  const seenBy = (resource: Resource) =>
    ['shop', 'bank'].filter((namespace) => isIn(namespace, audienceOf(kind, resource, ROOT)));

  it.each<[string, Resource, readonly string[]]>([
    ['the settings of the mesh', configMap({ mesh: '' }), ['shop', 'bank']],
    ['authorities', configMap({ 'ca.crt': '' }, { name: 'ca', namespace: 'shop' }), ['shop']],
    ['anything else', configMap({ password: 'x' }, { name: 'app', namespace: 'shop' }), []],
    ['anything else of the root', configMap({ password: 'x' }, { name: 'app' }), []],
    ['another namespace\'s "istio"', configMap({ mesh: '' }, { namespace: 'shop' }), ['shop']],
  ])('with %s are seen by %j', (_, resource, expected) => {
    expect(seenBy(resource)).toEqual(expected);
  });
});

it('distributes no Secret', () => {
  const secret = kinds.find(({ kind }) => kind === 'Secret');
  expect(secret && isDistributed(secret)).toBe(false);
});
