import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sameJson } from './same-json.ts';

it.each([
  [{ a: 1, b: [2] }, { b: [2], a: 1 }, true],
  [{ a: 1 }, { a: 1, b: 2 }, false],
  [[1, 2], [2, 1], false],
  [[], {}, false],
  [null, {}, false],
  [1, '1', false],
  [{ toString: 1 }, {}, false],
])('compares %j and %j', (one, other, same) => {
  expect(sameJson(one, other)).toBe(same);
});

it('finds anything the same as a copy of itself', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => sameJson(value, structuredClone(value))));
});
