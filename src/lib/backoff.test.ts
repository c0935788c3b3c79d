import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

it('doubles from the first delay to the longest, less up to a half', () => {
  const options = { firstMs: 100, maxMs: 1_000, random: () => 0.999_999 };
  const delays = [1, 2, 3, 4, 5, 60].map((failures) => backoffMs(failures, options));
  expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(backoffMs(3, { ...options, random: () => 0 })).toBe(200);
});

it('never leaves its bounds', () => {
  fc.assert(
    fc.property(fc.integer({ min: -5, max: 10_000 }), (failures) => {
      const ms = backoffMs(failures, { firstMs: 50, maxMs: 5_000 });
      expect(ms).toBeGreaterThanOrEqual(25);
      expect(ms).toBeLessThanOrEqual(5_000);
      expect(ms).toBe(Math.trunc(ms));
    }),
  );
});
