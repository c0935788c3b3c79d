import { expect, it } from 'vitest';
import { type HiddenLine, typeHidden } from './hidden-line.ts';

it.each<[string, string, HiddenLine]>([
  ['letters', 'abc', { state: 'typing', text: 'abc' }],
  ['Enter, and nothing after it', 'abc\rdef', { state: 'done', text: 'abc' }],
  ['Backspace over a letter of four bytes', 'ab😀\u007f\r', { state: 'done', text: 'ab' }],
  ['Backspace at the start', '\b\bx\n', { state: 'done', text: 'x' }],
  ['Ctrl-C', 'abc\u0003\r', { state: 'stopped' }],
  ['Ctrl-D', '\u0004', { state: 'stopped' }],
  ['a line without end', 'x'.repeat(9_999), { state: 'typing', text: 'x'.repeat(4_096) }],
])('takes %s', (_name, typed, line) => {
  expect(typeHidden('', typed)).toEqual(line);
});
