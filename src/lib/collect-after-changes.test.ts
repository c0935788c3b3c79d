import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { collectAfterChanges } from './collect-after-changes.ts';
import { collectGarbage } from './collect-garbage.ts';
import { WatchableValue } from './watchable.ts';

/** A value that is followed, and how often was collected. */
function followed() {
  const clock = new ManualClock();
  const watched = new WatchableValue(0);
  let collected = 0;
  const collect = (): void => {
    collected += 1;
  };
  const stop = collectAfterChanges(watched, { clock, afterMs: 1_000, collect });
  return { clock, watched, stop, collected: () => collected };
}

describe('garbage of values that change', () => {
  it('is collected some time after a change, and not without one', async () => {
    const { clock, watched, collected } = followed();
    await clock.advance(5_000);
    expect(collected()).toBe(0);
    watched.set(1);
    await clock.advance(999);
    expect(collected()).toBe(0);
    await clock.advance(1);
    expect(collected()).toBe(1);
    await clock.advance(5_000);
    expect(collected()).toBe(1);
  });

  it('is collected only so often, however often they change', async () => {
    const { clock, watched, collected } = followed();
    for (let change = 1; change <= 50; change += 1) {
      watched.set(change);
      await clock.advance(100);
    }
    expect(collected()).toBe(5);
  });

  it('is left alone once nobody follows them', async () => {
    const { clock, watched, stop, collected } = followed();
    watched.set(1);
    stop();
    watched.set(2);
    await clock.advance(5_000);
    expect(collected()).toBe(0);
  });

  it('is gone then', () => {
    const held = new WeakRef({ large: Buffer.alloc(1_000) });
    const gone = new Promise((resolve) => setImmediate(resolve));
    return gone.then(() => {
      collectGarbage();
      expect(held.deref()).toBeUndefined();
    });
  });
});
