import { ErrorCode } from '../frames/http2-codes.ts';
import { http2Error } from '../frames/http2-error.ts';

/** What costs us work without giving the peer anything, and so needs a bound. */
export type Nuisance = 'ping' | 'settings' | 'reset' | 'empty-data' | 'ignored';

/** How many may come at once, and how many a second for ever. */
const BOUNDS: Readonly<Record<Nuisance, { readonly burst: number; readonly perSecond: number }>> = {
  ping: { burst: 1_000, perSecond: 50 },
  settings: { burst: 100, perSecond: 5 },
  // Ordinary here: an application that breaks off. Exceeding it ends the streams of everybody.
  reset: { burst: 10_000, perSecond: 2_000 },
  'empty-data': { burst: 1_000, perSecond: 100 },
  ignored: { burst: 10_000, perSecond: 1_000 },
};

/** Counts what a peer of one connection sends too much of. */
export class FloodGuard {
  readonly #nowMs: () => number;
  readonly #counts = new Map<Nuisance, { level: number; atMs: number }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @throws {MeshError} ERR_WIRE with ENHANCE_YOUR_CALM when it is too many. */
  count(nuisance: Nuisance): void {
    const { burst, perSecond } = BOUNDS[nuisance];
    const nowMs = this.#nowMs();
    const count = this.#counts.getOrInsertComputed(nuisance, () => ({ level: 0, atMs: nowMs }));
    const forgiven = (Math.max(nowMs - count.atMs, 0) / 1_000) * perSecond;
    count.level = Math.max(count.level - forgiven, 0) + 1;
    count.atMs = nowMs;
    if (count.level <= burst) return;
    const reason = `more than ${burst} frames of the kind "${nuisance}" at once, and then ${perSecond} a second`;
    throw http2Error(ErrorCode.enhanceYourCalm, reason);
  }
}
