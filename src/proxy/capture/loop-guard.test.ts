import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { LOOPBACK, startApp } from '../../../test/kit/proxy-pair.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Address } from '../address.ts';
import { Deadlines } from '../deadlines.ts';
import { LoopGuard } from './loop-guard.ts';

const NOBODY: Address = { host: LOOPBACK, port: 9 };

/** A port that says the word to everybody, as the one does to which a rule leads. */
function saying(word: string) {
  return startApp(createServer((socket) => socket.end(word)));
}

function guardWith(
  captured: Address,
  exempt: Address,
  clock: Clock = new ManualClock(),
): LoopGuard {
  const deadlines = new Deadlines(systemClock, 5_000);
  return new LoopGuard({ deadlines, clock, probes: { captured, exempt } });
}

describe('the loop guard', () => {
  it.each([
    ['captured', 'outbound', 'inbound'],
    ['captured', 'outbound', undefined],
    ['exempt', undefined, 'inbound'],
    ['not-captured', undefined, undefined],
    ['not-captured', 'nonsense', 'nonsense'],
  ])('finds the proxy %s when the probes are answered by %s and %s', async (state, one, other) => {
    const [loop, known] = await Promise.all([saying(one ?? ''), saying(other ?? '')]);
    const guard = guardWith(
      one === undefined ? NOBODY : loop.address,
      other === undefined ? NOBODY : known.address,
    );
    expect(await guard.ask()).toBe(state);
    expect((await guard.safe()) === undefined).toBe(state !== 'captured');
    await loop[Symbol.asyncDispose]();
    await known[Symbol.asyncDispose]();
  });

  it('asks again after a second, and not before', async () => {
    const loop = await saying('outbound');
    const clock = new ManualClock();
    const guard = guardWith(loop.address, NOBODY, clock);
    await Promise.all([guard.ask(), guard.ask()]);
    await guard.ask();
    expect(loop.sockets).toHaveLength(1);
    await clock.advance(999);
    await guard.ask();
    expect(loop.sockets).toHaveLength(1);
    await clock.advance(1);
    await guard.ask();
    expect(loop.sockets).toHaveLength(2);
    await loop[Symbol.asyncDispose]();
  });

  it('asks no later because the wall clock was set back, and no sooner because it went ahead', async () => {
    const loop = await saying('outbound');
    const clock = new ManualClock();
    const guard = guardWith(loop.address, NOBODY, clock);
    await guard.ask();
    clock.setBy(3_600_000);
    await guard.ask();
    expect(loop.sockets).toHaveLength(1);
    clock.setBy(-7_200_000);
    await clock.advance(1_000);
    await guard.ask();
    expect(loop.sockets).toHaveLength(2);
    await loop[Symbol.asyncDispose]();
  });
});
