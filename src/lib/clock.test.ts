import { expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { type Clock, systemClock } from './clock.ts';

it.each<[string, Clock]>([
  ['the system clock', systemClock],
  ['the manual clock', new ManualClock()],
])('%s: a sleep ends early, without an error, when its signal aborts', async (_name, clock) => {
  const controller = new AbortController();
  const sleep = clock.sleep(3_600_000, controller.signal);
  controller.abort();
  await expect(sleep).resolves.toBeUndefined();
  await expect(clock.sleep(3_600_000, controller.signal)).resolves.toBeUndefined();
});

it('the manual clock wakes sleepers in order, each at its own time', async () => {
  const clock = new ManualClock(0);
  const { signal } = new AbortController();
  const woken: string[] = [];
  const sleeper = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms, signal);
    woken.push(`${name} at ${clock.now()}`);
  };
  void sleeper('late', 20);
  void sleeper('early', 10);
  await clock.advance(15);
  expect(woken).toEqual(['early at 10']);
  await clock.advance(15);
  expect(woken).toEqual(['early at 10', 'late at 20']);
});
