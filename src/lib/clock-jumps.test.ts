import { expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { watchClockJumps } from './clock-jumps.ts';

/** A machine whose wall clock `setMs` was moved by beside the time that passed. */
async function jumpsOf(steps: readonly { passMs: number; setMs: number }[]): Promise<number[]> {
  const clock = new ManualClock();
  const jumps: number[] = [];
  const stop = new AbortController();
  const task = watchClockJumps({
    clock,
    jumped: (byMs) => jumps.push(byMs),
  })(stop.signal);
  for (const step of steps) {
    clock.setBy(step.setMs);
    await clock.advance(step.passMs);
  }
  stop.abort();
  await task;
  return jumps;
}

it('says nothing while the clocks go together', async () => {
  expect(await jumpsOf([{ passMs: 60_000, setMs: 0 }])).toEqual([]);
});

it('leaves the slewing of a time daemon alone', async () => {
  const slew = Array.from({ length: 20 }, () => ({ passMs: 5_000, setMs: 50 }));
  expect(await jumpsOf(slew)).toEqual([]);
});

it('tells of a suspend, once', async () => {
  expect(
    await jumpsOf([
      { passMs: 7_000, setMs: 0 },
      { passMs: 60_000, setMs: 3_600_000 },
    ]),
  ).toEqual([3_600_000]);
});

it('tells of a clock that was set back', async () => {
  expect(await jumpsOf([{ passMs: 60_000, setMs: -7_200_000 }])).toEqual([-7_200_000]);
});
