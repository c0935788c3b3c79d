import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonTree } from './json-tree.ts';

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

it('copies JSON, sharing nothing', () => {
  const value = { a: [1, 'x', null, { b: true }] };
  const copied = jsonTree(value);
  expect(copied).toEqual({ tree: value });
  expect('tree' in copied && copied.tree).not.toBe(value);
});

it('leaves out what is undefined in an object', () => {
  expect(jsonTree({ a: undefined, b: 1 })).toEqual({ tree: { b: 1 } });
});

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

it.each([
  [undefined, '', 'is not a JSON value'],
  [{ a: [() => 1] }, 'a[0]', 'is not a JSON value'],
  [{ a: 1n }, 'a', 'is not a JSON value'],
  [{ a: Number.NaN }, 'a', 'is not a JSON value'],
  [{ a: Number.POSITIVE_INFINITY }, 'a', 'is not a JSON value'],
  [{ a: new Date(0) }, 'a', 'is not a JSON value'],
  [{ a: new Map() }, 'a', 'is not a JSON value'],
  [{ a: [undefined] }, 'a[0]', 'is not a JSON value'],
  [JSON.parse('{"a": {"__proto__": {"x": 1}}}'), 'a.__proto__', 'may not be used as a key'],
  [cyclic, '', 'is nested more than 100 levels deep'],
  [nested(101), '', 'is nested more than 100 levels deep'],
  [Array.from({ length: 200_000 }, () => 0), '[199999]', 'has more than 200000 values'],
])('refuses what is no JSON or too much of it: %#', (value, field, message) => {
  expect(jsonTree(value)).toEqual({ field, message });
});

it('takes a hundred levels', () => {
  expect('tree' in jsonTree(nested(100))).toBe(true);
});

it('gives back every JSON value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes('__proto__'));
      expect(jsonTree(value)).toEqual({ tree: value });
    }),
  );
});
