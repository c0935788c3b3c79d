import { describe, expect, it } from 'vitest';
import { skewOf } from './clock-skew.ts';

describe('skewOf', () => {
  it.each([
    ['agrees', { sentAtMs: 1_000, receivedAtMs: 1_020, serverMs: 1_010 }, 0, 10],
    ['is ahead', { sentAtMs: 61_000, receivedAtMs: 61_020, serverMs: 1_010 }, 60_000, 10],
    ['is behind', { sentAtMs: 1_000, receivedAtMs: 1_000, serverMs: 61_000 }, -60_000, 0],
  ])('finds that this clock %s', (_, sample, skewMs, uncertaintyMs) => {
    const { receivedAtMs: measuredAtMs } = sample;
    expect(skewOf(sample)).toEqual({ skewMs, uncertaintyMs, measuredAtMs });
  });
});
