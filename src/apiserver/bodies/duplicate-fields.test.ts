import fc from 'fast-check';
import { expect, it } from 'vitest';
import { duplicateFields } from './duplicate-fields.ts';

it.each([
  ['{"a":1,"a":2}', ['a']],
  ['{"data":{"a":"b","b":"c","a":"c"}}', ['data.a']],
  ['{"l":[{"x":1},{"x":1,"y":[{}],"x":2}]}', ['l[1].x']],
  ['{"a":{"a":1},"b":[{"a":1},{"a":1}]}', []],
  ['{"a":"\\"a\\":{,","b":1}', []],
  ['{"\\u0061":1,"a":2}', ['a']],
  ['{"a\\\\":"x","b":{"c":1,"c":"\\\\"},"d":1}', ['b.c']],
  ['{"a":1,"a":2,"a":3}', ['a', 'a']],
  ['[]', []],
  ['"a"', []],
])('of %s are %j', (text, fields) => {
  expect(duplicateFields(text)).toEqual(fields);
});

it('are none in what JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(duplicateFields(JSON.stringify(JSON.parse(text)))).toEqual([]);
    }),
  );
});
