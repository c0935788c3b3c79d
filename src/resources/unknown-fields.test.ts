import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from './json-tree.ts';
import type { KindDefinition } from './kind-definition.ts';
import { kindNamed, kinds } from './kinds.ts';
import { pruneUnknownFields } from './unknown-fields.ts';

const peerAuthentication = kindNamed('pa') as KindDefinition;
const pruned = (tree: Json) =>
  pruneUnknownFields(tree, { definition: peerAuthentication, version: 'v1' });

it('drops what the kind does not know, and says where it was', () => {
  const tree = {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'a', labels: { anything: 'goes' }, lables: {} },
    spec: {
      mtls: { mode: 'STRICT', mod: 1 },
      portLevelMtls: { 8080: { mode: 'DISABLE', x: {} } },
      mtlz: {},
    },
    status: { conditions: [{ any: 'thing' }] },
    extra: [],
  };
  expect(pruned(tree)).toEqual({
    tree: {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'a', labels: { anything: 'goes' } },
      spec: { mtls: { mode: 'STRICT' }, portLevelMtls: { 8080: { mode: 'DISABLE' } } },
      status: { conditions: [{ any: 'thing' }] },
    },
    unknown: [
      'metadata.lables',
      'spec.mtls.mod',
      'spec.portLevelMtls[8080].x',
      'spec.mtlz',
      'extra',
    ],
  });
});

it('finds unknown fields in lists, and leaves wrong types to validation', () => {
  const definition = kindNamed('ap') as KindDefinition;
  const tree = { spec: { rules: [{ form: [] }, 7, { from: {} }], selector: 'x' } };
  expect(pruneUnknownFields(tree, { definition, version: 'v1' })).toEqual({
    tree: { spec: { rules: [{}, 7, { from: {} }], selector: 'x' } },
    unknown: ['spec.rules[0].form'],
  });
});

it.each(['', 'text', 7, null, []])('leaves %j, which is no resource, as it is', (tree) => {
  expect(pruned(tree as Json)).toEqual({ tree, unknown: [] });
});

it('has nothing to drop the second time, whatever it was given', () => {
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.jsonValue(), (definition, value) => {
      const [version] = definition.versions;
      const tree = { spec: value, data: value, metadata: value } as Json;
      const once = pruneUnknownFields(tree, { definition, version });
      expect(pruneUnknownFields(once.tree, { definition, version })).toEqual({
        tree: once.tree,
        unknown: [],
      });
    }),
    { numRuns: 300 },
  );
});

it('finds a field that no kind has, wherever the kind has an object with known fields', () => {
  for (const definition of kinds) {
    const [version] = definition.versions;
    const tree = { notAFieldOfAnyKind: 1 };
    expect(pruneUnknownFields(tree, { definition, version }).unknown).toEqual([
      'notAFieldOfAnyKind',
    ]);
  }
});
