import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { sleepUntil } from './sleep-until.ts';

const DAY_MS = 86_400_000;

function sleeping(clock: ManualClock, atMs: number) {
  const stop = new AbortController();
  const slept = { over: false };
  const wait = async (): Promise<void> => {
    await sleepUntil(atMs, clock, stop.signal);
    slept.over = true;
  };
  void wait();
  return { slept, stop };
}

describe('sleeping until a moment', () => {
  it('ends at that moment, and not before', async () => {
    const clock = new ManualClock();
    const { slept } = sleeping(clock, clock.now() + 100_000);
    await clock.advance(99_999);
    expect(slept.over).toBe(false);
    await clock.advance(1);
    expect(slept.over).toBe(true);
  });

  it('ends within half a minute after a suspend, or when the clock was set past it', async () => {
    const clock = new ManualClock();
    const { slept } = sleeping(clock, clock.now() + DAY_MS);
    clock.setBy(DAY_MS);
    await clock.advance(30_000);
    expect(slept.over).toBe(true);
  });

  it('goes on when the clock was set back', async () => {
    const clock = new ManualClock();
    const { slept } = sleeping(clock, clock.now() + 60_000);
    clock.setBy(-60_000);
    await clock.advance(60_000);
    expect(slept.over).toBe(false);
    await clock.advance(60_000);
    expect(slept.over).toBe(true);
  });

  it('ends when it is told to', async () => {
    const clock = new ManualClock();
    const { slept, stop } = sleeping(clock, Number.POSITIVE_INFINITY);
    await clock.advance(0);
    stop.abort();
    await clock.advance(0);
    expect(slept.over).toBe(true);
    expect(clock.sleeping).toBe(0);
  });
});
