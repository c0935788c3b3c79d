import type { PairName } from './pair-kind.ts';

/** One number of one pair in one round, or why there is none. */
export interface Sample {
  readonly round: number;
  readonly pair: PairName;
  /** Name of the Metric. */
  readonly metric: string;
  readonly value: number;
  /** What went wrong; `value` means nothing then. */
  readonly problem: string | undefined;
}

/** The median of some numbers and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** What is to be said of a metric and a pair. */
export type Cell = { readonly spread: Spread } | { readonly problem: string } | undefined;

/** @returns undefined for no numbers at all. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return undefined;
  const lower = sorted[Math.floor((count - 1) / 2)] ?? min;
  const upper = sorted[Math.ceil((count - 1) / 2)] ?? max;
  return { median: (lower + upper) / 2, min, max, count };
}

/** All rounds of a metric and a pair; one that failed fails the cell. */
export function cellOf(samples: readonly Sample[], pair: PairName, metric: string): Cell {
  const own = samples.filter((each) => each.pair === pair && each.metric === metric);
  const failed = own.find(({ problem }) => problem !== undefined);
  if (failed?.problem !== undefined) {
    return { problem: `round ${failed.round}: ${failed.problem}` };
  }
  const spread = spreadOf(own.map(({ value }) => value));
  return spread === undefined ? undefined : { spread };
}

/**
 * One pair's numbers divided by another's of the same round, so that what disturbs a whole round
 * cancels out. None when a round of either failed.
 */
export function ratioOf(
  samples: readonly Sample[],
  metric: string,
  [of, to]: readonly [PairName, PairName],
): Spread | undefined {
  const both = samples.filter(
    (each) => each.metric === metric && (each.pair === of || each.pair === to),
  );
  if (both.some(({ problem }) => problem !== undefined)) return undefined;
  const ratios = both
    .filter(({ pair }) => pair === of)
    .flatMap(({ round, value }) => {
      const other = both.find((each) => each.pair === to && each.round === round);
      return other === undefined || other.value === 0 ? [] : [value / other.value];
    });
  return spreadOf(ratios);
}
