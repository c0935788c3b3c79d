import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { RenewalTimer } from './renewal-timer.ts';

const HOUR_MS = 3_600_000;
const { signal } = new AbortController();

/** A wall clock that can be set beside the time that passes. */
function settable() {
  const time = new ManualClock();
  let offMs = 0;
  return {
    time,
    set: (byMs: number) => {
      offMs += byMs;
    },
    clock: { now: () => time.now() + offMs, sleep: time.sleep.bind(time) },
  };
}

function waiting(timer: RenewalTimer): { readonly done: () => boolean } {
  let done = false;
  void timer.wait(signal).then(() => {
    done = true;
  });
  return { done: () => done };
}

describe('a renewal', () => {
  it('is due when its time has come', async () => {
    const { time, clock } = settable();
    const wait = waiting(new RenewalTimer(clock, clock.now() + HOUR_MS));
    await time.advance(HOUR_MS - 1);
    expect(wait.done()).toBe(false);
    await time.advance(1);
    expect(wait.done()).toBe(true);
  });

  it('is due at once after a suspend that slept through it', async () => {
    const { time, clock, set } = settable();
    const timer = new RenewalTimer(clock, clock.now() + HOUR_MS);
    const wait = waiting(timer);
    await time.advance(1_000);
    set(2 * HOUR_MS);
    timer.clockJumped(2 * HOUR_MS);
    await time.advance(0);
    expect(wait.done()).toBe(true);
  });

  it('is not due because the clock went ahead by less', async () => {
    const { time, clock, set } = settable();
    const timer = new RenewalTimer(clock, clock.now() + HOUR_MS);
    const wait = waiting(timer);
    set(HOUR_MS / 2);
    timer.clockJumped(HOUR_MS / 2);
    await time.advance(HOUR_MS / 2 - 1);
    expect(wait.done()).toBe(false);
    await time.advance(1);
    expect(wait.done()).toBe(true);
  });

  it('is not put off when the clock is set back', async () => {
    const { time, clock, set } = settable();
    const timer = new RenewalTimer(clock, clock.now() + HOUR_MS);
    const wait = waiting(timer);
    await time.advance(HOUR_MS / 2);
    set(-24 * HOUR_MS);
    timer.clockJumped(-24 * HOUR_MS);
    await time.advance(HOUR_MS / 2);
    expect(wait.done()).toBe(true);
  });

  it('is due when it is asked for, also while nobody waits', async () => {
    const { time, clock } = settable();
    const timer = new RenewalTimer(clock, clock.now() + HOUR_MS);
    timer.expire();
    const wait = waiting(timer);
    await time.advance(0);
    expect(wait.done()).toBe(true);
  });
});
