import { expect, it } from 'vitest';
import { parseQuantity, wholeOf } from './quantity.ts';

it.each([
  ['1', 1_000_000_000n],
  ['100m', 100_000_000n],
  ['1.5', 1_500_000_000n],
  ['.5', 500_000_000n],
  ['1Ki', 1_024_000_000_000n],
  ['-2k', -2_000_000_000_000n],
  ['2e3', 2_000_000_000_000n],
  ['5E', 5_000_000_000_000_000_000_000_000_000n],
  ['1n', 1n],
  ['0.1n', 1n],
  ['1e-9', 1n],
])('reads %s', (text, billionths) => {
  expect(parseQuantity(text)).toBe(billionths);
});

it.each(['', 'x', '1x', '1 k', '1KI', '--1', '.', '1e', '1e333', '1'.repeat(65)])(
  'takes %j for none',
  (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  },
);

it('knows whole ones', () => {
  expect(wholeOf(parseQuantity('1k') ?? 0n)).toBe(1_000n);
  expect(wholeOf(parseQuantity('1m') ?? 0n)).toBeUndefined();
});
