import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type FieldPath, fieldOf, pathOf } from './field-path.ts';

const rows: readonly [FieldPath, string][] = [
  [[], ''],
  [['kind'], 'kind'],
  [['spec', 'rules', 0, 'from', 1, 'source'], 'spec.rules[0].from[1].source'],
  [['metadata', 'labels', 'app.kubernetes.io/name'], 'metadata.labels[app.kubernetes.io/name]'],
  [['spec', 'portLevelMtls', '8080', 'mode'], 'spec.portLevelMtls[8080].mode'],
  [['metadata', 'labels', 'a b'], 'metadata.labels["a b"]'],
  [['data', ']"\\'], 'data["]\\"\\\\"]'],
  [['data', ''], 'data[""]'],
  [[3], '[3]'],
];

it.each(rows)('writes %j as %s', (path, field) => {
  expect(fieldOf(path)).toBe(field);
});

it('goes on from a field that is written already', () => {
  expect(fieldOf(['from', 0], 'spec.rules[1]')).toBe('spec.rules[1].from[0]');
});

it('reads back the steps of every path it writes', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.nat())), (path) => {
      expect(pathOf(fieldOf(path))).toEqual(path.map(String));
    }),
  );
});

it('makes something of any text', () => {
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(pathOf(text))));
});
