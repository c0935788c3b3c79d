import { expect, it } from 'vitest';
import { definitionOf, definitionProblems, widgets } from '../../../test/kit/custom-resources.ts';
import { validateUpdate } from '../validate-update.ts';
import { customResourceDefinition } from './custom-resource-definition.ts';

const GOOD = widgets('{type: object}');
const changed = (from: string | RegExp, to: string) => GOOD.replace(from, to);

it('takes a definition, and names what it leaves out', () => {
  expect(definitionProblems(GOOD)).toEqual([]);
  expect(definitionOf(GOOD).spec).toMatchObject({
    names: { singular: 'widget', listKind: 'WidgetList' },
    conversion: { strategy: 'None' },
  });
});

it.each([
  [
    changed('widgets.example.org}', 'other.example.org}'),
    'metadata.name: must be spec.names.plural and spec.group: "widgets.example.org"',
  ],
  [
    changed('storage: true', 'storage: false'),
    'spec.versions: exactly one version must have storage set',
  ],
  [
    changed('scope: Namespaced', 'scope: Namespaced\n      conversion: {strategy: Webhook}'),
    'spec.conversion.strategy: Webhook is not supported; use None',
  ],
  [
    changed('scope: Namespaced', 'scope: Namespaced\n      preserveUnknownFields: true'),
    'spec.preserveUnknownFields: must be false; use x-kubernetes-preserve-unknown-fields in the schema',
  ],
  [
    changed('kind: Widget,', 'kind: 1Widget,'),
    'spec.names.kind: "1Widget" is not the name of a kind',
  ],
  [
    changed(
      /schema: .*/,
      'deprecationWarning: x\n        schema: {openAPIV3Schema: {type: object}}',
    ),
    'spec.versions[0].deprecationWarning: can be set only where deprecated is true',
  ],
  [changed(/schema: .*/, ''), 'spec.versions[0].schema.openAPIV3Schema: is required'],
  [
    changed(/schema: .*/, 'schema: {openAPIV3Schema: {type: string}}'),
    'spec.versions[0].schema.openAPIV3Schema.type: must be object at the top',
  ],
  [
    `${GOOD}selectableFields: [{jsonPath: "spec[0]"}]`,
    'spec.versions[0].selectableFields[0].jsonPath: "spec[0]" is not a path of fields, such as ".spec.color"',
  ],
  [
    `${GOOD}additionalPrinterColumns: [{name: A, type: text, jsonPath: .a}]`,
    'spec.versions[0].additionalPrinterColumns[0].type: "text" is not one of integer, number, string, boolean, date',
  ],
])('refuses %s', (yaml, problem) => {
  expect(definitionProblems(yaml)).toContain(problem);
});

it('keeps group, scope, plural and kind', () => {
  const old = definitionOf(GOOD);
  const spec = { ...old.spec, scope: 'Cluster' as const };
  expect(validateUpdate(old, { ...old, spec }, { definition: customResourceDefinition })).toEqual([
    { field: 'spec.scope', message: 'cannot be changed', reason: 'immutable' },
  ]);
});
