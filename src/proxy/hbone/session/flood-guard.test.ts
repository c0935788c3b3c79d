import { describe, expect, it } from 'vitest';
import { FloodGuard, type Nuisance } from './flood-guard.ts';

/** How many are let through at once, and how many more after a second. */
function allowed(kind: Nuisance): readonly [number, number] {
  let nowMs = 0;
  const guard = new FloodGuard(() => nowMs);
  const untilRefused = (): number => {
    for (let count = 0; ; count++) {
      try {
        guard.count(kind);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_WIRE', cause: 0xb });
        return count;
      }
    }
  };
  const burst = untilRefused();
  nowMs += 1_000;
  return [burst, untilRefused()];
}

describe('FloodGuard', () => {
  it.each([
    ['ping', 1_000],
    ['settings', 100],
    ['reset', 10_000],
    ['empty-data', 1_000],
    ['ignored', 10_000],
  ] as const)('bounds %s, at once and over time', (kind, burst) => {
    const [atOnce, afterASecond] = allowed(kind);
    expect(atOnce).toBe(burst);
    expect(afterASecond).toBeLessThan(burst);
  });

  it('lets through for ever what comes slowly', () => {
    let nowMs = 0;
    const guard = new FloodGuard(() => nowMs);
    for (let i = 0; i < 100_000; i++) {
      guard.count('reset');
      nowMs += 0.5;
    }
  });

  it('saves nothing up for who was quiet for long', () => {
    let nowMs = 0;
    const guard = new FloodGuard(() => nowMs);
    guard.count('settings');
    nowMs = 3_600_000;
    for (let i = 0; i < 100; i += 1) guard.count('settings');
    expect(() => guard.count('settings')).toThrow(/more than 100 frames/);
  });
});
