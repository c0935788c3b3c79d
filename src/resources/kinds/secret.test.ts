import fc from 'fast-check';
import { expect, it } from 'vitest';
import { problemsOf, resourceOf } from '../../../test/kit/validated.ts';
import { validateResource } from '../validate-resource.ts';

function withFields(fields: string): string {
  return `{apiVersion: v1, kind: Secret, metadata: {name: a}, ${fields}}`;
}

it('folds stringData into data, over what is there, and is Opaque by default', () => {
  const yaml = withFields('data: {a: eA==, b: eQ==}, stringData: {b: "é", c: ""}, immutable: true');
  expect(resourceOf(yaml)).toEqual({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'a', namespace: 'default' },
    type: 'Opaque',
    data: { a: 'eA==', b: 'w6k=', c: '' },
    immutable: true,
  });
});

it('joins base64 that is cut into lines', () => {
  const yaml =
    'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  a: |\n    aGVs\n    bG8=\n';
  expect(resourceOf(yaml)).toMatchObject({ data: { a: 'aGVsbG8=' } });
});

it.each([
  ['data: {a: hunter2}', 'data.a: is not base64; plain text goes into stringData'],
  ['data: {a: "a==="}', 'data.a: is not base64; plain text goes into stringData'],
  ['data: {a: "a_-b"}', 'data.a: is not base64; plain text goes into stringData'],
  ['data: {a: 12345678}', 'data.a: must be a string'],
  ['stringData: {a: true}', 'stringData.a: must be a string'],
  ['data: hunter2', 'data: must be an object'],
  ['immutable: hunter2', 'immutable: must be true or false'],
  ['hunter: hunter2', 'hunter: unknown field "hunter"'],
  [
    'data: {"a b": eA==}',
    'data["a b"]: a key has up to 253 letters, digits, "-", "_" and ".", and does not begin with ".."',
  ],
  [
    'data: {..a: eA==}',
    'data[..a]: a key has up to 253 letters, digits, "-", "_" and ".", and does not begin with ".."',
  ],
  [
    'type: kubernetes.io/tls, data: {tls.crt: eA==}',
    'data[tls.key]: is required with the type kubernetes.io/tls',
  ],
])('refuses %s without quoting a value', (fields, problem) => {
  const problems = problemsOf(withFields(fields));
  expect(problems).toEqual([problem]);
  expect(problems.join()).not.toMatch(/hunter2|12345678/);
});

it('bounds all values together', () => {
  const value = Buffer.alloc(600_000).toString('base64');
  expect(problemsOf(withFields(`data: {a: ${value}, b: ${value}}`))).toEqual([
    'data: has more than 1048576 bytes',
  ]);
});

it('encodes any text as UTF-8 in base64', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const checked = validateResource({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'a' },
        stringData: { text },
      });
      expect(checked).toMatchObject({
        resource: { data: { text: Buffer.from(text).toString('base64') } },
      });
    }),
  );
});
