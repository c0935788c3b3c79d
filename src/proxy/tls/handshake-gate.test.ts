import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { ask, dial, readToEnd, startPair, until } from '../../../test/kit/proxy-pair.ts';
import { HandshakeGate } from './handshake-gate.ts';

const limits = { maxHandshakes: 3, handshakesPerSecond: 2, handshakeBurst: 2 };

function gate(over: Partial<typeof limits> = {}) {
  const clock = new ManualClock();
  return { clock, gate: new HandshakeGate({ clock, limits: { ...limits, ...over } }) };
}

describe('HandshakeGate', () => {
  it('lets in so many of one peer, and more as time passes', async () => {
    const { clock, gate: asked } = gate();
    const enter = (host = 'a') => 'leave' in asked.enter(host);
    expect([enter(), enter(), enter()]).toEqual([true, true, false]);
    expect(enter('b')).toBe(true);
    await clock.advance(500);
    expect(asked.enter('a')).toMatchObject({
      refused: '3 handshakes are under way, which is the limit',
    });
  });

  it('gives nobody tokens because the wall clock was set', async () => {
    const { clock, gate: asked } = gate({ maxHandshakes: 100 });
    const enter = () => 'leave' in asked.enter('a');
    expect([enter(), enter(), enter()]).toEqual([true, true, false]);
    clock.setBy(3_600_000);
    expect(enter()).toBe(false);
  });

  it('bounds those under way at a time, of all peers together', () => {
    const { gate: asked } = gate({ maxHandshakes: 1 });
    const first = asked.enter('a');
    expect(asked.enter('b')).toHaveProperty('refused');
    if ('leave' in first) {
      first.leave();
      first.leave();
    }
    expect(asked.enter('b')).toHaveProperty('leave');
    expect(asked.enter('c')).toHaveProperty('refused');
  });

  it('tells of one refusal a second and peer', async () => {
    const { clock, gate: asked } = gate({ handshakeBurst: 0, handshakesPerSecond: 0 });
    await clock.advance(10_000);
    const news = (host: string) => {
      const answer = asked.enter(host);
      return 'isNews' in answer && answer.isNews;
    };
    expect([news('a'), news('a'), news('b')]).toEqual([true, false, true]);
    await clock.advance(1_000);
    expect([news('a'), news('a')]).toEqual([true, false]);
  });
});

describe('a flood of handshakes', () => {
  it('is cut off, and said once', async () => {
    await using pair = await startPair({
      server: { limits: { handshakeBurst: 4, handshakesPerSecond: 0.001 } },
    });
    const socket = await dial(pair.outbound);
    expect(await ask(socket, 'hello')).toBe('hello');
    const flood = Array.from({ length: 40 }, () => connect(pair.hbone));
    for (const each of flood) each.on('error', () => undefined);
    await until(() => pair.server.events.denied.length > 0);
    expect(pair.server.events.denied[0]).toMatchObject({
      reason: 'limit',
      decision: expect.stringMatching(/handshakes a second, which is the limit of one peer/),
    });
    expect(pair.server.events.denied.length).toBeLessThan(5);
    for (const each of flood) each.destroy();
    // what is open goes on
    expect(await ask(socket, 'again')).toBe('again');
  });

  it('leaves room for those who begin one at a time', async () => {
    await using pair = await startPair({ transport: 'istio-mtls' });
    for (let i = 0; i < 20; i += 1) expect(await ask(await dial(pair.outbound), 'x')).toBe('x');
    expect(pair.server.events.denied).toEqual([]);
    expect((await readToEnd(connect(pair.inbound).end())).how).toBe('ended');
  });
});
