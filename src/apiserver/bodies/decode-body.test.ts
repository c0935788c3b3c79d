import { expect, it } from 'vitest';
import { fieldsWrittenTwice } from './decode-body.ts';

it.each<[string, Uint8Array, readonly string[]]>([
  ['JSON', Buffer.from('{"a":1,"a":2}'), ['a']],
  ['JSON behind blanks', Buffer.from(' \r\n\t{"a":1,"a":2}'), ['a']],
  ['YAML, whose parser refuses them', Buffer.from('a: 1\na: 2\n'), []],
  ['protobuf, which need not be text', Buffer.of(0x6b, 0x38, 0x73, 0, 0x0a, 0xff, 0xfe), []],
  ['nothing', new Uint8Array(), []],
])('looks for fields that are written twice in JSON only: %s', (_, body, fields) => {
  expect(fieldsWrittenTwice({ body })).toEqual(fields);
});
