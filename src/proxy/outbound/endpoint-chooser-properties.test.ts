import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Chooser, NaiveChooser } from '../../../test/kit/naive-chooser.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Endpoint } from '../../policy/upstream/resolve-upstream.ts';
import { type Balancing, EndpointChooser } from './endpoint-chooser.ts';

const limits = { firstDialBackoffMs: 100, maxDialBackoffMs: 400, redialWithinMs: 2_000 };
const outlier = {
  ...{ consecutiveFailures: 2, baseEjectionMs: 40 },
  ...{ maxEjectionPercent: 50, minHealthPercent: 0 },
};
const methods: readonly Balancing['method'][] = ['LEAST_REQUEST', 'RANDOM', 'ROUND_ROBIN'];

function endpointOf(weight: number, index: number): Endpoint {
  return {
    ...{ address: `10.0.0.${index + 1}`, port: 8080, identity: undefined, workload: 'shop/a' },
    ...{ expectedIds: [], weight, takesPlaintext: true },
    transport: { kind: 'plaintext' },
  };
}

/** A chooser of either kind, with a way to give it the next random numbers. */
function fed(make: (random: () => number) => Chooser) {
  let numbers: readonly number[] = [];
  const chooser = make(() => {
    const [first = 0.5, ...rest] = numbers;
    numbers = rest;
    return first;
  });
  const ends: (() => void)[] = [];
  return { chooser, ends, feed: (next: readonly number[]) => (numbers = next) };
}
type Fed = ReturnType<typeof fed>;

const act = fc.constantFrom(
  ...['fail', 'fail', 'fail', 'eject', 'eject', 'reach', 'dial', 'open', 'end', 'wait', 'none'],
);
const turn = fc.record({
  ...{ act, at: fc.nat(5), isLate: fc.boolean(), waitMs: fc.constantFrom(1, 25, 50, 100, 4_000) },
  method: fc.constantFrom(...methods),
  draws: fc.tuple(fc.nat(63), fc.nat(63)).map((pair) => pair.map((each) => each / 64)),
});
type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never;

/** What happens in one turn, told to one chooser. */
function tell({ chooser, ends, feed }: Fed, { act, at, isLate }: Turn, all: readonly Endpoint[]) {
  const endpoint = all[at % all.length] as Endpoint;
  feed([]);
  const begunAt = isLate ? -1 : chooser.moment;
  if (act === 'fail') chooser.failed(endpoint, 'down', { begunAt });
  if (act === 'eject') chooser.failed(endpoint, 'down', { begunAt, among: { outlier, all } });
  if (act === 'reach') chooser.reached(endpoint);
  if (act === 'dial') ends.push(chooser.dialling(endpoint));
  if (act === 'open') ends.push(chooser.begin(endpoint));
  if (act === 'end') ends.splice(at % Math.max(1, ends.length), 1)[0]?.();
}

it('chooses as one does who looks at every endpoint each time', () => {
  const seen = { somebody: 0, nobody: 0 };
  const weights = fc.array(fc.constantFrom(0, 1, 1, 3), { minLength: 1, maxLength: 6 });
  const check = (given: readonly number[], turns: readonly Turn[]): void => {
    const all = given.map(endpointOf);
    const elapsed = { ms: 1 };
    const clock: Clock = { ...systemClock, elapsedMs: () => elapsed.ms };
    const both = [
      fed((random) => new EndpointChooser({ clock, limits, random })),
      fed((random) => new NaiveChooser({ clock, limits, random })),
    ] as const;
    for (const each of turns) {
      if (each.act === 'wait') elapsed.ms += each.waitMs;
      for (const one of both) tell(one, each, all);
      const [chosen, expected] = both.map(({ chooser, feed }) => {
        feed(each.draws);
        return chooser.choose(all, { method: each.method, service: 'x' });
      });
      expect(chosen?.address).toBe(expected?.address);
      seen[expected === undefined ? 'nobody' : 'somebody'] += 1;
    }
  };
  fc.assert(fc.property(weights, fc.array(turn, { minLength: 40, maxLength: 60 }), check), {
    numRuns: 300,
  });
  // Choosers that are hardly ever at a loss would agree whatever they do.
  expect(seen.nobody).toBeGreaterThan(100);
  expect(seen.somebody).toBeGreaterThan(1_000);
});
