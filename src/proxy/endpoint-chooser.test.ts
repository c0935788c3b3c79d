import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import type { Endpoint } from '../policy/resolve-upstream.ts';
import { EndpointChooser } from './endpoint-chooser.ts';

const limits = { firstDialBackoffMs: 100, maxDialBackoffMs: 1_000 };

function endpoint(address: string): Endpoint {
  return {
    ...{ address, port: 8080, identity: undefined, workload: `shop/${address}` },
    transport: { kind: 'hbone', port: 15_008 },
  };
}

const [a, b, c] = [endpoint('10.0.0.1'), endpoint('10.0.0.2'), endpoint('10.0.0.3')];

/** A chooser whose random numbers are the given ones, over and over. */
function chooserWith(clock: ManualClock, ...numbers: readonly number[]): EndpointChooser {
  let next = 0;
  return new EndpointChooser({
    clock,
    limits,
    random: () => numbers[next++ % numbers.length] ?? 0,
  });
}

describe('EndpointChooser', () => {
  it('takes the one of two with fewer open connections', () => {
    const chooser = chooserWith(new ManualClock(), 0, 0.5);
    const end = chooser.begin(a);
    expect(chooser.choose([a, b])).toBe(b);
    chooser.begin(b);
    chooser.begin(b);
    expect(chooser.choose([a, b])).toBe(a);
    end();
    expect(chooser.choose([a, b])).toBe(a);
  });

  it('spreads connections over all endpoints', () => {
    const chooser = new EndpointChooser({ clock: new ManualClock(), limits });
    const counts = new Map<Endpoint, number>();
    for (let i = 0; i < 300; i++) {
      const chosen = chooser.choose([a, b, c]);
      if (chosen === undefined) throw new Error('none was chosen');
      chooser.begin(chosen);
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    }
    for (const each of [a, b, c]) {
      expect(counts.get(each)).toBeGreaterThan(80);
      expect(counts.get(each)).toBeLessThan(120);
    }
  });

  it('lets an endpoint that failed rest, longer each time, and tells why', async () => {
    const clock = new ManualClock();
    const chooser = chooserWith(clock, 0.999);
    chooser.failed(a, 'nothing listens there');
    expect(chooser.choose([a])).toBeUndefined();
    expect(chooser.choose([a, b])).toBe(b);
    expect(chooser.restReason(a)).toBe('nothing listens there; it is tried again in 100 ms');
    await clock.advance(100);
    expect(chooser.choose([a])).toBe(a);
    expect(chooser.restReason(a)).toBeUndefined();
    chooser.failed(a, 'again');
    await clock.advance(150);
    expect(chooser.choose([a])).toBeUndefined();
    await clock.advance(50);
    expect(chooser.choose([a])).toBe(a);
  });

  it('counts failures of one moment once', async () => {
    const clock = new ManualClock();
    const chooser = chooserWith(clock, 0.999);
    for (let i = 0; i < 50; i++) chooser.failed(a, 'down');
    await clock.advance(100);
    expect(chooser.choose([a])).toBe(a);
  });

  it('forgets failures when the endpoint answers', async () => {
    const clock = new ManualClock();
    const chooser = chooserWith(clock, 0.999);
    chooser.failed(a, 'down');
    await clock.advance(100);
    chooser.reached(a);
    chooser.failed(a, 'down');
    await clock.advance(100);
    expect(chooser.choose([a])).toBe(a);
  });

  it('has nothing to choose from nothing', () => {
    expect(chooserWith(new ManualClock(), 0).choose([])).toBeUndefined();
  });
});
