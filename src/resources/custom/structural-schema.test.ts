import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { definitionProblems, Widgets, widgets } from '../../../test/kit/custom-resources.ts';
import type { Json } from '../json-tree.ts';
import { structuralSchema } from './structural-schema.ts';

const at = 'spec.versions[0].schema.openAPIV3Schema.properties.spec';
const of = (field: string) => new Widgets(`{type: object, properties: {a: ${field}}}`);

it.each([
  ['{type: string, pattern: "^(?i)abort$"}', '{a: ABORT}', []],
  [
    '{type: string, pattern: "^(?i)abort$"}',
    '{a: no}',
    ['spec.a: "no" does not match "^(?i)abort$"'],
  ],
  ['{type: string, format: ipv4}', '{a: "::1"}', ['spec.a: "::1" is not of the format ipv4']],
  ['{type: string, format: unheard-of}', '{a: x}', []],
  ['{type: string, minLength: 2}', '{a: x}', ['spec.a: has fewer than 2 characters']],
  ['{type: string, enum: [x, y]}', '{a: z}', ['spec.a: "z" is not one of x, y; did you mean "x"?']],
  [
    '{type: integer, minimum: 1, exclusiveMinimum: true}',
    '{a: 1}',
    ['spec.a: must be above 1, not 1'],
  ],
  ['{type: integer, multipleOf: 5}', '{a: 7}', ['spec.a: must be a multiple of 5, not 7']],
  ['{x-kubernetes-int-or-string: true}', '{a: 50%}', []],
  [
    '{x-kubernetes-int-or-string: true}',
    '{a: true}',
    ['spec.a: must be a whole number or a string, not true'],
  ],
  ['{type: string, nullable: true}', '{a: null}', []],
  [
    '{type: string}',
    '{a: null}',
    ['spec.a: must be a string, not null; leave the field out if nothing is meant'],
  ],
  [
    '{type: object, additionalProperties: {type: integer}}',
    '{a: {x: 1, y: z}}',
    ['spec.a.y: must be a whole number, not "z"'],
  ],
  [
    '{type: object, properties: {b: {type: string}}}',
    '{a: {c: 1}}',
    ['spec.a.c: unknown field "c"; did you mean "b"?'],
  ],
  ['{type: object, x-kubernetes-preserve-unknown-fields: true}', '{a: {c: 1}}', []],
  [
    '{type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}',
    '{a: {kind: 1}}',
    ['spec.a.kind: must be a string, not 1; put it in quotes'],
  ],
  [
    '{type: array, items: {type: string}, x-kubernetes-list-type: set}',
    '{a: [x, y, x]}',
    ['spec.a[2]: is in the list already'],
  ],
  [
    '{type: array, items: {type: object, required: [n], properties: {n: {type: string}}}, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [n]}',
    '{a: [{n: x}, {n: x}]}',
    ['spec.a[1]: is in the list already'],
  ],
])('of a field %s judges %s', (field, spec, problems) => {
  expect(of(field).problems(spec)).toEqual(problems);
});

it('judges combinations', () => {
  const fields = 'properties: {a: {type: string}, b: {type: string}}';
  const one = new Widgets(`{type: object, ${fields}, oneOf: [{required: [a]}, {required: [b]}]}`);
  expect(one.problems('{a: x}')).toEqual([]);
  expect(one.problems('{a: x, b: y}')).toEqual([
    'spec: must be in exactly one of the forms that its schema lists',
  ]);
  const not = new Widgets(`{type: object, ${fields}, not: {required: [a, b]}}`);
  expect(not.problems('{a: x, b: y}')).toEqual(['spec: is in a form that its schema excludes']);
});

it('fills defaults in, for null too where null may not be', () => {
  const kind = of('{type: object, default: {}, properties: {b: {type: integer, default: 7}}}');
  expect(kind.widget('{}')['spec']).toEqual({ a: { b: 7 } });
  expect(kind.widget('{a: {b: null}}')['spec']).toEqual({ a: { b: 7 } });
  expect(kind.widget('{a: {b: 8}}')['spec']).toEqual({ a: { b: 8 } });
});

it.each([
  ['{}', [`${at}.type: is required`]],
  [
    '{type: text}',
    [`${at}.type: "text" is not one of object, array, string, integer, number, boolean`],
  ],
  ['{type: array}', [`${at}.items: is required`]],
  [
    '{type: string, pattern: "(?=a)"}',
    [`${at}.pattern: "(?=a)" is not a regular expression of RE2`],
  ],
  ['{type: object, $ref: x}', [`${at}.$ref: is not allowed here`]],
  [
    '{type: array, items: {type: string}, uniqueItems: true}',
    [`${at}.uniqueItems: is not allowed; use x-kubernetes-list-type set`],
  ],
  ['{type: integer, default: x}', [`${at}.default: must be a whole number, not "x"`]],
  ['{type: integer, minimum: x}', [`${at}.minimum: must be a number`]],
  [
    '{type: object, properties: {a: {type: string}}, additionalProperties: {type: string}}',
    [`${at}.additionalProperties: cannot be set together with properties`],
  ],
  [
    '{type: array, items: {type: string}, x-kubernetes-list-type: map}',
    [`${at}.x-kubernetes-list-map-keys: is required with the list type map`],
  ],
])('refuses the schema %s', (schema, problems) => {
  expect(definitionProblems(widgets(schema))).toEqual(problems);
});

it('answers any schema with a schema or with what is wrong with it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const schema = structuralSchema(value as Json, 'schema', () => undefined);
      expect(typeof schema).toBe('object');
    }),
  );
});

it.each([
  [
    '{type: string, minLenght: 5}',
    'minLenght: is no keyword of a schema; did you mean "minLength"?',
  ],
  ['{type: string, pattern: 5}', 'pattern: must be a text'],
  ['{type: string, enum: x}', 'enum: must be a list of values'],
  ['{type: string, enum: [a, 1]}', 'enum[1]: must be of the type string'],
  [
    '{type: array, x-kubernetes-list-type: bag, items: {type: string}}',
    'must be one of atomic, set, map',
  ],
  [
    '{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [z], items: {type: object}}',
    '"z" is no field of the items',
  ],
  [
    '{type: string, x-kubernetes-int-or-string: true}',
    'must be left out with x-kubernetes-int-or-string',
  ],
  ['{type: string, x-kubernetes-embedded-resource: true}', 'must be object with'],
])('refuses the field %s', (field, problem) => {
  const problems: string[] = [];
  structuralSchema(parse(field), 'a', (at, message) => problems.push(`${at}: ${message}`));
  expect(problems).toEqual([expect.stringContaining(problem)]);
});
