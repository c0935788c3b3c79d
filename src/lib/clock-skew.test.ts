import { describe, expect, it } from 'vitest';
import { clockNote, isSkewed } from './clock-skew.ts';

describe('isSkewed', () => {
  it.each([
    [0, 0, false],
    [5_000, 0, false],
    [5_001, 0, true],
    [-7_200_000, 10, true],
    // A slow answer proves nothing.
    [9_000, 8_000, false],
  ])('of %i ± %i ms is %s', (skewMs, uncertaintyMs, expected) => {
    expect(isSkewed({ skewMs, uncertaintyMs, measuredAtMs: 0 })).toBe(expected);
  });
});

describe('clockNote', () => {
  const nowMs = Date.UTC(2026, 0, 1, 12);
  it.each([
    [
      -7_200_000,
      "this host's clock is 2h behind the control plane's, which says 2026-01-01T14:00:00.000Z; set the clock of one of them",
    ],
    [
      60_000,
      "this host's clock is 1m ahead of the control plane's, which says 2026-01-01T11:59:00.000Z; set the clock of one of them",
    ],
    [1_000, undefined],
  ])('of a skew of %i ms names both clocks', (skewMs, expected) => {
    expect(clockNote({ skewMs, uncertaintyMs: 0, measuredAtMs: nowMs }, nowMs)).toBe(expected);
  });

  it('is silent while nothing was measured', () => {
    expect(clockNote(undefined, nowMs)).toBeUndefined();
  });
});
