import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { LOOPBACK, startApp } from '../../../test/kit/proxy-pair.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Address } from '../address.ts';
import { Deadlines } from '../deadlines.ts';
import { LoopGuard } from './loop-guard.ts';

const NOBODY: Address = { host: LOOPBACK, port: 9 };

/** A port that says the word to everybody, as the one does to which a rule leads. */
function saying(word: string) {
  return startApp(createServer((socket) => socket.end(word)));
}

async function guardWith(captured: Address, exempt: Address, nowMs = () => 0): Promise<LoopGuard> {
  const deadlines = new Deadlines(systemClock, 5_000);
  return new LoopGuard({ deadlines, nowMs, probes: { captured, exempt } });
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
    const guard = await guardWith(
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
    let nowMs = 0;
    const guard = await guardWith(loop.address, NOBODY, () => nowMs);
    await Promise.all([guard.ask(), guard.ask()]);
    await guard.ask();
    expect(loop.sockets).toHaveLength(1);
    nowMs = 1_000;
    await guard.ask();
    expect(loop.sockets).toHaveLength(2);
    await loop[Symbol.asyncDispose]();
  });
});
