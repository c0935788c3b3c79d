import { expect, it } from 'vitest';
import { parseGoDuration } from './go-duration.ts';

it.each([
  ['10s', 10_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1_500],
  ['.5m', 30_000],
  ['1.s', 1_000],
  ['2160h', 7_776_000_000],
  ['100ms', 100],
  ['1us', 0.001],
  ['0', 0],
  ['-1s', -1_000],
])('reads %s as %d ms', (text, ms) => {
  expect(parseGoDuration(text)).toBeCloseTo(ms, 9);
});

it.each(['', '1', '1d', 's', '.s', '1 s', '1s ', '1h-30m', '--1s', '9'.repeat(70)])(
  'does not read %j',
  (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  },
);
