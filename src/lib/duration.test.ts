import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';
import { MeshError } from './errors.ts';

describe('parseDuration', () => {
  it.each([
    ['10s', 10_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['90d', 7_776_000_000],
    ['0s', 0],
  ])('reads %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    '',
    '10',
    's',
    '-1s',
    '1 h',
    '1h ',
    '10S',
    '1e3s',
    '1h30',
    'ms10',
    '٣s',
    '1s'.repeat(40),
  ])('refuses %j and says how to write it', (text) =>
    expect(() => parseDuration(text)).toThrow(/is not a duration; write for example/),
  );

  it('answers or refuses whatever it is given', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseDuration(text)).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(MeshError.is(error, 'ERR_USAGE')).toBe(true);
        }
      }),
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0ms'],
    [999, '999ms'],
    [9_400, '9s'],
    [5_400_000, '1h30m'],
    [86_400_000, '1d'],
    [86_461_000, '1d'],
    [-9_000, '-9s'],
  ])('writes %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('is read back to within its two units', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => {
        const back = parseDuration(formatDuration(ms));
        expect(back).toBeLessThanOrEqual(ms);
        expect(ms - back).toBeLessThanOrEqual(Math.max(1_000, ms * 0.05));
      }),
    );
  });
});
