import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { RenewalTimer } from './renewal-timer.ts';

const HOUR_MS = 3_600_000;
const { signal } = new AbortController();

function waiting(timer: RenewalTimer): { readonly done: () => boolean } {
  let done = false;
  void timer.wait(signal).then(() => {
    done = true;
  });
  return { done: () => done };
}

describe('a renewal', () => {
  it('is due when its time has come', async () => {
    const clock = new ManualClock();
    const wait = waiting(new RenewalTimer(clock, clock.now() + HOUR_MS));
    await clock.advance(HOUR_MS - 1);
    expect(wait.done()).toBe(false);
    await clock.advance(1);
    expect(wait.done()).toBe(true);
  });

  it('is due at once after a suspend that slept through it', async () => {
    const clock = new ManualClock();
    const timer = new RenewalTimer(clock, clock.now() + HOUR_MS);
    const wait = waiting(timer);
    await clock.advance(1_000);
    clock.setBy(2 * HOUR_MS);
    timer.clockJumped(2 * HOUR_MS);
    await clock.advance(0);
    expect(wait.done()).toBe(true);
  });

  it('is not due because the clock went ahead by less', async () => {
    const clock = new ManualClock();
    const timer = new RenewalTimer(clock, clock.now() + HOUR_MS);
    const wait = waiting(timer);
    clock.setBy(HOUR_MS / 2);
    timer.clockJumped(HOUR_MS / 2);
    await clock.advance(HOUR_MS / 2 - 1);
    expect(wait.done()).toBe(false);
    await clock.advance(1);
    expect(wait.done()).toBe(true);
  });

  it('is not put off when the clock is set back', async () => {
    const clock = new ManualClock();
    const timer = new RenewalTimer(clock, clock.now() + HOUR_MS);
    const wait = waiting(timer);
    await clock.advance(HOUR_MS / 2);
    clock.setBy(-24 * HOUR_MS);
    timer.clockJumped(-24 * HOUR_MS);
    await clock.advance(HOUR_MS / 2);
    expect(wait.done()).toBe(true);
  });

  it('is due when it is asked for, also while nobody waits', async () => {
    const clock = new ManualClock();
    const timer = new RenewalTimer(clock, clock.now() + HOUR_MS);
    timer.expire();
    const wait = waiting(timer);
    await clock.advance(0);
    expect(wait.done()).toBe(true);
  });
});
