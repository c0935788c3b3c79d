import { formatDuration } from '../lib/duration.ts';
import { type Watchable, WatchableValue } from '../lib/watchable.ts';

/** How far this host's clock is from the control plane's. */
export interface ClockSkew {
  /** This host's minus the control plane's, in milliseconds: positive when this one is ahead. */
  readonly skewMs: number;
  /** The true value lies within so much on either side: half of the round trip. */
  readonly uncertaintyMs: number;
  /** By this host's clock, in milliseconds since 1970. */
  readonly measuredAtMs: number;
}

/** One question and its answer, all in milliseconds since 1970. */
export interface TimeSample {
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
  /** The control plane's clock when it answered. */
  readonly serverMs: number;
}

/** Certificates are dated back by two minutes; less than this cannot be why one is refused. */
const WORTH_TELLING_MS = 5_000;

/** By the middle of the round trip, as NTP does with one server. */
export function skewOf({ sentAtMs, receivedAtMs, serverMs }: TimeSample): ClockSkew {
  const middleMs = (sentAtMs + receivedAtMs) / 2;
  const uncertaintyMs = Math.ceil(Math.abs(receivedAtMs - sentAtMs) / 2);
  return { skewMs: Math.round(middleMs - serverMs), uncertaintyMs, measuredAtMs: receivedAtMs };
}

/** Whether the clocks certainly differ by more than certificates allow for. */
export function isSkewed({ skewMs, uncertaintyMs }: ClockSkew): boolean {
  return Math.abs(skewMs) - uncertaintyMs > WORTH_TELLING_MS;
}

/**
 * Half a sentence with both clocks, for an error about the validity of a certificate; undefined when
 * the clocks agree, or nothing is known.
 */
export function clockNote(skew: ClockSkew | undefined, nowMs: number): string | undefined {
  if (skew === undefined || !isSkewed(skew)) return undefined;
  const side = skew.skewMs > 0 ? 'ahead of' : 'behind';
  const there = new Date(nowMs - skew.skewMs).toISOString();
  return `this host's clock is ${formatDuration(Math.abs(skew.skewMs))} ${side} the control plane's, which says ${there}; set the clock of one of them`;
}

/** The newest measurement. */
export class ClockComparison {
  readonly #skew = new WatchableValue<ClockSkew | undefined>(undefined);

  get skew(): Watchable<ClockSkew | undefined> {
    return this.#skew;
  }

  sample(sample: TimeSample): void {
    this.#skew.set(skewOf(sample));
  }

  note(nowMs: number): string | undefined {
    return clockNote(this.#skew.current, nowMs);
  }
}
