import { expect, it } from 'vitest';
import { printable } from './printable.ts';

it.each([
  ['AuthorizationPolicy shop/callers rule[0]', 'AuthorizationPolicy shop/callers rule[0]'],
  ['line\r\nx-evil: 1', 'line??x-evil: 1'],
  ['naïve', 'na?ve'],
  [' padded ', 'padded'],
  ['x'.repeat(600), 'x'.repeat(512)],
])('makes %j printable', (text, expected) => {
  expect(printable(text)).toBe(expected);
});
