import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { drainAtExpiry } from './drain-at-expiry.ts';

function session() {
  const closed = Promise.withResolvers<undefined>();
  const drains = { times: 0 };
  const drain = (): void => {
    drains.times += 1;
  };
  return { drains, close: () => closed.resolve(undefined), drain, closed: closed.promise };
}

describe('drainAtExpiry', () => {
  it('drains once the last millisecond of the certificate is over, and not before', async () => {
    const clock = new ManualClock();
    const it = session();
    drainAtExpiry(it, clock.now() + 1_000, clock);
    await clock.advance(1_000);
    expect(it.drains.times).toBe(0);
    await clock.advance(1);
    expect(it.drains.times).toBe(1);
    await clock.advance(10_000);
    expect(it.drains.times).toBe(1);
  });

  it('drains soon after a suspend that lasted longer than the certificate', async () => {
    const clock = new ManualClock();
    const it = session();
    drainAtExpiry(it, clock.now() + 86_400_000, clock);
    await clock.advance(0);
    clock.setBy(90_000_000);
    await clock.advance(30_000);
    expect(it.drains.times).toBe(1);
  });

  it('leaves a session alone that is gone, and waits no more for it', async () => {
    const clock = new ManualClock();
    const it = session();
    drainAtExpiry(it, clock.now() + 1_000, clock);
    it.close();
    await clock.advance(0);
    expect(clock.sleeping).toBe(0);
    await clock.advance(2_000);
    expect(it.drains.times).toBe(0);
  });
});
