import { expect, it } from 'vitest';
import { RequestRate } from './request-rate.ts';

it('lets a burst pass at once, then as many as time has refilled', () => {
  const rate = new RequestRate({ perSecond: 10, burst: 3 });
  expect([0, 0, 0, 0, 50, 100, 150, 200].map((atMs) => rate.take(atMs))).toEqual([
    true,
    true,
    true,
    false,
    false,
    true,
    false,
    true,
  ]);
});

it('never holds more than a burst', () => {
  const rate = new RequestRate({ perSecond: 10, burst: 2 });
  rate.take(0);
  expect([0, 1, 2].map(() => rate.take(3_600_000))).toEqual([true, true, false]);
});

it('gains nothing by a clock that is set back', () => {
  const rate = new RequestRate({ perSecond: 1, burst: 1 });
  expect(rate.take(10_000)).toBe(true);
  expect(rate.take(0)).toBe(false);
  expect(rate.take(999)).toBe(false);
  expect(rate.take(1_000)).toBe(true);
});
