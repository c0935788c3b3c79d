import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { keepWithinBounds } from './keep-within-bounds.ts';

const HOUR_MS = 3_600_000;

type Bounds = Partial<Parameters<typeof keepWithinBounds>[1]>;

/** A connection within `bounds`, and what became of it. */
function bounded({ idleTimeoutMs, maxDurationMs }: Bounds) {
  const clock = new ManualClock();
  const ending = new AbortController();
  const closed: string[] = [];
  let bytes = 0;
  const connection = {
    bytes: () => bytes,
    close: (reason: string, detail: string) => {
      closed.push(`${reason}: ${detail}`);
    },
  };
  const over = keepWithinBounds(connection, { idleTimeoutMs, maxDurationMs }, clock, ending.signal);
  const carry = (): void => {
    bytes += 1;
  };
  return { clock, closed, carry, over, end: () => ending.abort() };
}

describe('a connection within bounds', () => {
  it('is closed when it was silent for too long', async () => {
    const { clock, closed, carry } = bounded({ idleTimeoutMs: 1_000 });
    for (let passed = 0; passed < 5; passed += 1) {
      await clock.advance(900);
      carry();
    }
    expect(closed).toEqual([]);
    await clock.advance(1_500);
    expect(closed).toEqual(['idle: silent for 1000 ms, which is idleTimeout']);
  });

  it('is closed at its greatest age, however busy it is', async () => {
    const { clock, closed, carry } = bounded({ idleTimeoutMs: 1_000, maxDurationMs: 3_000 });
    for (let passed = 0; passed < 5; passed += 1) {
      await clock.advance(599);
      carry();
    }
    expect(closed).toEqual([]);
    await clock.advance(5);
    expect(closed).toEqual(['too-old: open for 3000 ms, which is maxConnectionDuration']);
  });

  it('does not end because the wall clock was set, and not later for it', async () => {
    const { clock, closed, carry } = bounded({ idleTimeoutMs: 1_000, maxDurationMs: 3_000 });
    clock.setBy(HOUR_MS);
    await clock.advance(500);
    carry();
    expect(closed).toEqual([]);
    clock.setBy(-2 * HOUR_MS);
    await clock.advance(1_500);
    expect(closed).toHaveLength(1);
  });

  it('is left alone once it has ended, and where nothing is bounded', async () => {
    const ended = bounded({ idleTimeoutMs: 1_000 });
    ended.end();
    await ended.over;
    await ended.clock.advance(HOUR_MS);
    expect(ended.closed).toEqual([]);
    const free = bounded({});
    await free.over;
    expect(free.closed).toEqual([]);
  });
});
