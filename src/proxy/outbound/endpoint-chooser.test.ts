import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import type { Endpoint } from '../../policy/upstream/resolve-upstream.ts';
import { EndpointChooser } from './endpoint-chooser.ts';

const limits = { firstDialBackoffMs: 100, maxDialBackoffMs: 1_000, redialWithinMs: 2_000 };

function endpoint(address: string): Endpoint {
  return {
    ...{ address, port: 8080, identity: undefined, workload: `shop/${address}` },
    ...{ expectedIds: [], weight: 1, takesPlaintext: true },
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

  it('lets it rest no longer because the wall clock was set back, and no shorter because it went ahead', async () => {
    const clock = new ManualClock();
    const chooser = chooserWith(clock, 0.999);
    chooser.failed(a, 'nothing listens there');
    clock.setBy(-3_600_000);
    await clock.advance(100);
    expect(chooser.restReason(a)).toBeUndefined();
    chooser.failed(a, 'again');
    clock.setBy(7_200_000);
    expect(chooser.restReason(a)).toBe('again; it is tried again in 200 ms');
  });

  it('does not refuse everybody because the only one failed once', async () => {
    const clock = new ManualClock();
    const chooser = chooserWith(clock, 0.999);
    chooser.failed(a, 'it was reset');
    expect(chooser.choose([a])).toBe(a);
    await clock.advance(100);
    chooser.failed(a, 'it was reset');
    chooser.failed(b, 'it was reset');
    expect(chooser.choose([a])).toBeUndefined();
    expect(chooser.choose([a, b])).toBe(b);
  });

  it('counts failures of one moment once', async () => {
    const clock = new ManualClock();
    const chooser = chooserWith(clock, 0.999);
    for (let i = 0; i < 50; i++) chooser.failed(a, 'down');
    await clock.advance(100);
    expect(chooser.choose([a])).toBe(a);
  });

  it('counts a dial that began after the last failure, rest or not', () => {
    const chooser = chooserWith(new ManualClock(), 0.999);
    const begunAt = chooser.moment;
    chooser.failed(a, 'down', { begunAt });
    chooser.failed(a, 'down', { begunAt });
    expect(chooser.choose([a])).toBe(a);
    chooser.failed(a, 'down', { begunAt: chooser.moment });
    expect(chooser.choose([a])).toBeUndefined();
  });

  it('sends one caller to see whether a lost endpoint is there again, and the others elsewhere', async () => {
    const clock = new ManualClock();
    const chooser = chooserWith(clock, 0);
    chooser.failed(a, 'down');
    await clock.advance(100);
    expect(chooser.choose([a, b])).toBe(a);
    const done = chooser.dialling(a);
    expect(chooser.choose([a, b])).toBe(b);
    // Who has nowhere else to go joins in.
    expect(chooser.choose([a])).toBe(a);
    chooser.reached(a);
    done();
    expect(chooser.choose([a, b])).toBe(a);
    chooser.dialling(a);
    expect(chooser.choose([a, b])).toBe(a);
  });

  it('tells how long to wait for an endpoint, as long as that is worth it', async () => {
    const clock = new ManualClock();
    const chooser = chooserWith(clock, 0.999);
    expect(chooser.readyInMs(a)).toBe(0);
    const waits: (number | undefined)[] = [];
    for (let i = 0; i < 6; i += 1) {
      chooser.failed(a, 'down', { begunAt: chooser.moment });
      const waitMs = chooser.readyInMs(a);
      waits.push(waitMs === undefined ? undefined : Math.round(waitMs));
      await clock.advance(waitMs ?? 1_000);
    }
    expect(waits).toEqual([100, 200, 400, 800, undefined, undefined]);
    chooser.reached(a);
    expect(chooser.readyInMs(a)).toBe(0);
    chooser.failed(a, 'down', { begunAt: chooser.moment });
    expect(Math.round(chooser.readyInMs(a) ?? 0)).toBe(100);
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
    chooser.begin(a);
    chooser.failed(a, 'down');
    chooser.reached(a);
    expect(chooser.restReason(a)).toBeUndefined();
  });

  it('has nothing to choose from nothing', () => {
    expect(chooserWith(new ManualClock(), 0).choose([])).toBeUndefined();
  });

  it('takes turns with ROUND_ROBIN, for each service by itself', () => {
    const chooser = new EndpointChooser({ clock: new ManualClock(), limits });
    const of = (service: string) => chooser.choose([a, b, c], { method: 'ROUND_ROBIN', service });
    expect([of('x'), of('x'), of('y'), of('x'), of('x')]).toEqual([a, b, a, c, a]);
  });

  it('does not look at open connections with RANDOM', () => {
    const chooser = chooserWith(new ManualClock(), 0);
    chooser.begin(a);
    expect(chooser.choose([a, b], { method: 'RANDOM', service: 'x' })).toBe(a);
  });

  it('gives each endpoint its share by weight, none to one of weight 0', () => {
    const chooser = new EndpointChooser({ clock: new ManualClock(), limits });
    const heavy = { ...a, weight: 9 };
    const none = { ...c, weight: 0 };
    const picked = Array.from({ length: 2_000 }, () =>
      chooser.choose([heavy, b, none], { method: 'RANDOM', service: 'x' }),
    );
    const share = picked.filter((each) => each === heavy).length / picked.length;
    expect(share).toBeGreaterThan(0.8);
    expect(share).toBeLessThan(1);
    expect(picked).not.toContain(none);
    expect(chooser.choose([none])).toBe(none);
  });

  describe('with outlierDetection', () => {
    const outlier = {
      ...{ consecutiveFailures: 2, baseEjectionMs: 10_000 },
      ...{ maxEjectionPercent: 50, minHealthPercent: 0 },
    };

    /** Lets `endpoint` fail `times` times, each as soon as it may be dialled. */
    async function fail(
      chooser: EndpointChooser,
      clock: ManualClock,
      endpoint: Endpoint,
      times: number,
      settings = outlier,
    ): Promise<void> {
      for (let i = 0; i < times; i += 1) {
        chooser.failed(endpoint, 'refused', { among: { outlier: settings, all: [a, b, c] } });
        if (i + 1 < times) await clock.advance(1_000);
      }
    }

    it('leaves out who failed as often in a row, the second time twice as long', async () => {
      const clock = new ManualClock();
      const chooser = chooserWith(clock, 0.5);
      await fail(chooser, clock, a, 2);
      expect(chooser.restReason(a)).toBe(
        'refused; it is left out by outlierDetection and tried again in 10000 ms',
      );
      await clock.advance(10_000);
      expect(chooser.choose([a])).toBe(a);
      await fail(chooser, clock, a, 2);
      await clock.advance(19_999);
      expect(chooser.choose([a])).toBeUndefined();
      await clock.advance(1);
      expect(chooser.choose([a])).toBe(a);
    });

    it('is nothing to wait for, and takes no more dials for as long, whatever fails meanwhile', async () => {
      const clock = new ManualClock();
      const chooser = chooserWith(clock, 0.5);
      await fail(chooser, clock, a, 2);
      expect(chooser.readyInMs(a)).toBeUndefined();
      chooser.failed(a, 'refused', { begunAt: chooser.moment });
      expect(chooser.choose([a])).toBeUndefined();
    });

    it('leaves nobody out for more than five minutes, unless it is told to from the first', async () => {
      const clock = new ManualClock();
      const chooser = chooserWith(clock, 0.5);
      const long = { ...outlier, baseEjectionMs: 200_000 };
      await fail(chooser, clock, a, 2, long);
      await clock.advance(200_000);
      await fail(chooser, clock, a, 2, long);
      expect(chooser.restReason(a)).toMatch(/tried again in 300000 ms/);
      const longer = { ...outlier, baseEjectionMs: 400_000 };
      await fail(chooser, clock, b, 2, { ...longer, maxEjectionPercent: 100 });
      expect(chooser.restReason(b)).toMatch(/tried again in 400000 ms/);
    });

    it('counts failures in a row only', async () => {
      const clock = new ManualClock();
      const chooser = chooserWith(clock, 0.5);
      await fail(chooser, clock, a, 1);
      chooser.reached(a);
      await fail(chooser, clock, a, 1);
      await clock.advance(1_000);
      expect(chooser.choose([a])).toBe(a);
    });

    it('leaves out no larger share than it may, but always one', async () => {
      const clock = new ManualClock();
      const chooser = chooserWith(clock, 0.5);
      const few = { ...outlier, maxEjectionPercent: 10 };
      await fail(chooser, clock, a, 2, few);
      await fail(chooser, clock, b, 2, few);
      await clock.advance(1_000);
      expect(chooser.choose([a])).toBeUndefined();
      expect(chooser.choose([b])).toBe(b);
    });

    it('leaves out nobody where too few are healthy', async () => {
      const clock = new ManualClock();
      const chooser = chooserWith(clock, 0.5);
      await fail(chooser, clock, a, 2);
      await fail(chooser, clock, b, 2, {
        ...outlier,
        maxEjectionPercent: 100,
        minHealthPercent: 70,
      });
      await clock.advance(1_000);
      expect(chooser.choose([b])).toBe(b);
    });
  });
});
