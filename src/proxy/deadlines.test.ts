import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { Deadlines } from './deadlines.ts';

describe('Deadlines', () => {
  it('calls back when the time has passed, in order, and not before', async () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock, 1_000);
    const passed: string[] = [];
    deadlines.set(() => passed.push('first'));
    await clock.advance(500);
    deadlines.set(() => passed.push('second'));
    await clock.advance(499);
    expect(passed).toEqual([]);
    await clock.advance(1);
    expect(passed).toEqual(['first']);
    await clock.advance(500);
    expect(passed).toEqual(['first', 'second']);
  });

  it('does not call back what was cancelled, and serves what is set later', async () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock, 1_000);
    const passed: string[] = [];
    const cancelled = deadlines.set(() => passed.push('cancelled'));
    cancelled.cancel();
    await clock.advance(5_000);
    deadlines.set(() => passed.push('later'));
    await clock.advance(999);
    expect(passed).toEqual([]);
    await clock.advance(1);
    expect(passed).toEqual(['later']);
  });

  it('calls back in time although the wall clock is set back or forward meanwhile', async () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock, 1_000);
    const passed: string[] = [];
    deadlines.set(() => passed.push('first'));
    await clock.advance(500);
    deadlines.set(() => passed.push('second'));
    clock.setBy(-3_600_000);
    await clock.advance(500);
    expect(passed).toEqual(['first']);
    clock.setBy(7_200_000);
    await clock.advance(499);
    expect(passed).toEqual(['first']);
    await clock.advance(1);
    expect(passed).toEqual(['first', 'second']);
  });

  it('keeps one sleeper however many are set', () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock, 1_000);
    for (let i = 0; i < 100; i++) deadlines.set(() => undefined);
    expect(clock.sleeping).toBe(1);
  });

  it('forgets everything when closed', async () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock, 1_000);
    let passed = 0;
    deadlines.set(() => passed++);
    deadlines.close();
    await clock.advance(2_000);
    expect(passed).toBe(0);
  });
});
