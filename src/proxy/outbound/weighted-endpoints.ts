import type { Endpoint } from '../../policy/upstream/resolve-upstream.ts';

/** Endpoints of which each is picked as often as its weight says: made once, then asked in O(log n). */
export class WeightedEndpoints {
  readonly all: readonly Endpoint[];
  /** Of each endpoint the sum of the weights up to its own. */
  readonly #sums: readonly number[];

  constructor(all: readonly Endpoint[]) {
    this.all = all;
    let sum = 0;
    this.#sums = all.map(({ weight }) => {
      sum += weight;
      return sum;
    });
  }

  /** A random one; undefined when there are none. Where all weights are 0, they count the same. */
  pick(random: () => number): Endpoint | undefined {
    const total = this.#sums.at(-1) ?? 0;
    if (total === 0) return this.all[Math.floor(random() * this.all.length)];
    return this.all[this.#firstAbove(random() * total)];
  }

  #firstAbove(drawn: number): number {
    let [low, high] = [0, this.#sums.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sums[middle] ?? 0) > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
