import { type FallbackUse, fallbackKey, usesTogether } from '../policy/fallback-use.ts';
import type { ProxyEvents } from '../proxy/proxy-events.ts';

/** Kinds of uses that wait to be told; beyond, the one that waits for longest goes. */
const MOST_KINDS = 256;

/** Uses of FallbackPolicies, by kind, until the control plane was told of them. Bounded. */
export class FallbackRecorder {
  readonly #uses = new Map<string, FallbackUse>();

  readonly fallbackUsed: ProxyEvents['fallbackUsed'] = ({ atMs, direction: _, ...use }) => {
    this.#add({ ...use, count: 1, firstMs: atMs, lastMs: atMs });
  };

  /** What came since the last time, at most `most` kinds. */
  take(most: number): readonly FallbackUse[] {
    const taken = [...this.#uses].slice(0, most);
    for (const [key] of taken) this.#uses.delete(key);
    return taken.map(([, use]) => use);
  }

  /** What could not be told after all. */
  putBack(uses: readonly FallbackUse[]): void {
    for (const use of uses) this.#add(use);
  }

  #add(use: FallbackUse): void {
    const key = fallbackKey(use);
    const before = this.#uses.get(key);
    this.#uses.set(key, before === undefined ? use : usesTogether(before, use));
    const [oldest] = this.#uses.keys();
    if (this.#uses.size > MOST_KINDS && oldest !== undefined) this.#uses.delete(oldest);
  }
}
