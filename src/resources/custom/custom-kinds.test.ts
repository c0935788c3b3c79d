import { expect, it } from 'vitest';
import { definitionOf, Widgets, widgets } from '../../../test/kit/custom-resources.ts';
import { kinds } from '../kinds.ts';
import { byPrecedence } from './by-precedence.ts';
import { customKind } from './custom-kind.ts';
import { customKinds } from './custom-kinds.ts';

const ANY = '{type: object, x-kubernetes-preserve-unknown-fields: true}';

it('makes a kind of a definition', () => {
  const version = `subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
        selectableFields: [{jsonPath: .spec.color}]
        additionalPrinterColumns: [{name: Color, type: string, jsonPath: .spec.color, priority: 1}]
        deprecated: true`;
  const kind = customKind(definitionOf(widgets(ANY, version)));
  expect(kind).toMatchObject({
    group: 'example.org',
    versions: ['v1'],
    kind: 'Widget',
    plural: 'widgets',
    singular: 'widget',
    listKind: 'WidgetList',
    shortNames: ['wd'],
    namespaced: true,
    subresources: { status: true, scale: { specReplicasPath: '.spec.replicas' } },
    selectableFields: ['spec.color'],
    columns: [{ name: 'Color', priority: 1 }],
    visibility: 'never',
  });
  expect(kind?.perVersion?.['v1']?.deprecation).toBe('the version v1 of this kind is deprecated');
});

it('shows the age of resources whose definition has no columns', () => {
  expect(customKind(definitionOf(widgets(ANY)))?.columns.map(({ name }) => name)).toEqual(['Age']);
});

it('serves several versions, each with its own schema, the most stable one first', () => {
  const more = `
      - name: v2beta1
        served: true
        storage: false
        schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
      - {name: v0, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}`;
  const kind = customKind(
    definitionOf(widgets('{type: object, properties: {color: {type: string}}}', more)),
  );
  expect(kind?.versions).toEqual(['v1', 'v2beta1']);
  const properties = (version: string) =>
    JSON.stringify(kind?.perVersion?.[version]?.schema).match(/color|size/g);
  expect([properties('v1'), properties('v2beta1')]).toEqual([['color'], ['size']]);
});

it('is looked up like any other kind, and gone when it is no longer defined', () => {
  const { registry } = new Widgets(ANY);
  expect(registry.named('wd')?.kind).toBe('Widget');
  expect(registry.kindOf({ apiVersion: 'example.org/v1', kind: 'Widget' })).toBeDefined();
  registry.define([]);
  expect(registry.named('wd')).toBeUndefined();
});

it('lets the older of two definitions have a name, and the others be', () => {
  const widget = definitionOf(widgets(ANY));
  const at = (name: string, plural: string, day: string) => ({
    ...widget,
    metadata: { ...widget.metadata, name, creationTimestamp: `2026-01-${day}T00:00:00Z` },
    spec: { ...widget.spec, names: { ...widget.spec.names, plural } },
  });
  const unserved = {
    ...widget,
    metadata: { ...widget.metadata, name: 'c' },
    spec: { ...widget.spec, versions: [] },
  };
  const made = customKinds(
    [at('b', 'gadgets', '02'), at('a', 'widgets', '01'), unserved].toSorted(byPrecedence),
    kinds,
  );
  expect(made.kinds.map(({ plural }) => plural)).toEqual(['widgets']);
  expect([...made.refused]).toEqual([
    ['c', { reason: 'NoVersionServed', message: 'none of its versions is served' }],
    [
      'b',
      {
        reason: 'NameConflict',
        message: 'the name "Widget" is that of Widget.example.org already',
      },
    ],
  ]);
});

it('takes a name from nobody who has it', () => {
  const widget = definitionOf(widgets(ANY));
  const conditions = [{ type: 'Established', status: 'True' }];
  const has = { ...widget, metadata: { ...widget.metadata, name: 'z' }, status: { conditions } };
  const older = { ...widget, metadata: { ...widget.metadata, creationTimestamp: '2020' } };
  expect([older, has].toSorted(byPrecedence)).toEqual([has, older]);
});

it('leaves the names of built-in kinds to them', () => {
  const widget = definitionOf(widgets(ANY));
  const spec = { ...widget.spec, group: 'security.istio.io' };
  const names = { ...spec.names, plural: 'peerauthentications', kind: 'PeerAuthentication' };
  const made = customKinds([{ ...widget, spec: { ...spec, names } }], kinds);
  expect([made.kinds, made.refused.size]).toEqual([[], 1]);
});
