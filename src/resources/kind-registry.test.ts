import { Type } from 'typebox';
import { expect, it } from 'vitest';
import type { KindDefinition } from './kind-definition.ts';
import { inVersion, READ_ONLY, VERBS, verbsOf } from './kind-definition.ts';
import { KindRegistry } from './kind-registry.ts';
import { kinds } from './kinds.ts';

const widget: KindDefinition = {
  group: 'example.org',
  versions: ['v1', 'v1beta1'],
  kind: 'Widget',
  plural: 'widgets',
  singular: 'widget',
  shortNames: ['wi', 'svc'],
  categories: [],
  namespaced: true,
  description: 'A widget.',
  schema: Type.Object({}),
  columns: [],
  visibility: 'never',
  confidential: false,
  perVersion: {
    v1beta1: { schema: Type.Object({ old: Type.String() }), columns: [], selectableFields: [] },
  },
};

it('finds a kind that was defined by its path, its key, its name and its versions', () => {
  const registry = new KindRegistry(kinds);
  registry.define([widget]);
  expect(registry.byPlural('example.org', 'widgets')).toBe(widget);
  expect(registry.byQualifiedKind('Widget.example.org')).toBe(widget);
  expect(registry.named('WIDGETS.example.org')).toBe(widget);
  expect(registry.named('wi')).toBe(widget);
  expect(registry.kindOf({ apiVersion: 'example.org/v1beta1', kind: 'Widget' })).toBe(widget);
  expect(registry.kindOf({ apiVersion: 'example.org/v2', kind: 'Widget' })).toBeUndefined();
  expect(registry.kindOf({ apiVersion: 'v1', kind: 'Widget.example.org' })).toBeUndefined();
  expect(registry.definitions.at(-1)).toBe(widget);
});

it('leaves a short name to the kind that had it first', () => {
  const registry = new KindRegistry(kinds);
  registry.define([widget]);
  expect(registry.named('svc')?.kind).toBe('Service');
});

it('changes its epoch with each definition, and forgets what is no longer defined', () => {
  const registry = new KindRegistry(kinds);
  const before = registry.epoch;
  registry.define([widget]);
  expect(registry.epoch).not.toBe(before);
  registry.define([]);
  expect(registry.named('widgets')).toBeUndefined();
  expect(registry.named('services')?.kind).toBe('Service');
});

it.each([
  [{ ...widget, group: '', plural: 'services' }],
  [{ ...widget, group: '', kind: 'Service' }],
])('refuses a second kind of one name, and keeps what it had', (second) => {
  const registry = new KindRegistry(kinds);
  registry.define([widget]);
  const { epoch } = registry;
  expect(() => registry.define([second])).toThrow(
    expect.objectContaining({ code: 'ERR_CONFLICT' }),
  );
  expect(registry.epoch).toBe(epoch);
  expect(registry.named('wi')).toBe(widget);
});

it('shows a version as it is defined, and the others as the kind is', () => {
  expect(inVersion(widget, 'v1beta1').schema).toBe(widget.perVersion?.['v1beta1']?.schema);
  expect(inVersion(widget, 'v1').schema).toBe(widget.schema);
  expect(inVersion(widget, 'constructor').schema).toBe(widget.schema);
});

it('lets everything be asked of a kind that says nothing of it', () => {
  expect(verbsOf(widget)).toBe(VERBS);
  expect(verbsOf({ verbs: READ_ONLY })).toEqual(['get', 'list', 'watch']);
});
