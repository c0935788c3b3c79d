import { Type } from 'typebox';
import { expect, it } from 'vitest';
import { checkSchema } from './check-schema.ts';
import { duration } from './fields.ts';
import type { Json } from './json-tree.ts';
import { atMostOne } from './schema-keywords.ts';

const schema = Type.Object(
  {
    wait: duration('How long.'),
    either: Type.Optional(
      Type.Object(
        { a: Type.Optional(Type.String()), b: Type.Optional(Type.String()) },
        atMostOne(['a', 'b']),
      ),
    ),
  },
  { additionalProperties: false },
);
const problems = (value: Json, confidential = false) =>
  checkSchema(value, { schema, confidential }).map(({ field, message }) => `${field}: ${message}`);

it('checks a field by the function in its schema', () => {
  expect(problems({ wait: '10s' })).toEqual([]);
  expect(problems({ wait: 'soon' })).toEqual([
    'wait: "soon" is not a duration; write for example "10s" or "1h30m"',
  ]);
  expect(problems({ wait: '1us' })).toEqual(['wait: "1us" must be at least 1ms']);
});

it('leaves a value of the wrong type to the type', () => {
  expect(problems({ wait: 10 })).toEqual(['wait: must be a string, not 10; put it in quotes']);
});

it('takes at most one of the fields of a group', () => {
  expect(problems({ either: {} })).toEqual([]);
  expect(problems({ either: { a: '' } })).toEqual([]);
  expect(problems({ either: { a: '', b: '' } })).toEqual([
    'either: only one of "a", "b" can be set',
  ]);
});

it('quotes nothing of what is confidential', () => {
  expect(problems({ wait: 'soon' }, true)).toEqual(['wait: is not in the form that it must have']);
});
