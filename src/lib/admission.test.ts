import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admission } from './admission.ts';

const limits = { costMs: 4, maxWaitMs: 25_000 };

/** One a millisecond, named by number, the last at `untilMs`. */
function waiting(count: number, untilMs: number): Map<number, number> {
  return new Map(Array.from({ length: count }, (_, n) => [n, untilMs - count + 1 + n]));
}

describe('admission', () => {
  it('lets few in while turns are short, in their order', () => {
    const { admit } = admission(waiting(100, 0), { nowMs: 0, lastedMs: 1 }, limits);
    expect(admit).toEqual([0, 1, 2, 3]);
  });

  it('lets in as many as take half as long as the last turn', () => {
    const { admit } = admission(waiting(100, 0), { nowMs: 0, lastedMs: 200 }, limits);
    expect(admit).toHaveLength(25);
  });

  it('never lets in more than 64', () => {
    const { admit } = admission(waiting(1_000, 0), { nowMs: 0, lastedMs: 60_000 }, limits);
    expect(admit).toHaveLength(64);
  });

  it('lets the newest in first once the oldest has waited for long', () => {
    const { admit } = admission(waiting(100, 0), { nowMs: 6_000, lastedMs: 0 }, limits);
    expect(admit).toEqual([96, 97, 98, 99]);
  });

  it('closes those whose clients have given up', () => {
    const { admit, close } = admission(waiting(100, 0), { nowMs: 24_951, lastedMs: 0 }, limits);
    expect(close).toEqual(Array.from({ length: 51 }, (_, n) => n));
    expect(admit).toEqual([96, 97, 98, 99]);
  });

  it('leaves nobody behind: while anybody waits, each turn admits or closes somebody', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(40_000), { minLength: 1 }),
        fc.nat(40_000),
        fc.nat(5_000),
        (since, laterMs, lastedMs) => {
          const sorted = since.sort((a, b) => a - b);
          const queue = new Map(sorted.map((sinceMs, n) => [n, sinceMs]));
          const nowMs = (sorted.at(-1) ?? 0) + laterMs;
          const { admit, close } = admission(queue, { nowMs, lastedMs }, limits);
          expect(admit.length + close.length).toBeGreaterThan(0);
          expect(new Set([...admit, ...close]).size).toBe(admit.length + close.length);
        },
      ),
    );
  });
});
