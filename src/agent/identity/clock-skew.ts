import { type ClockSkew, clockNote } from '../../lib/clock-skew.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';

/** One question and its answer, all in milliseconds since 1970. */
export interface TimeSample {
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
  /** The control plane's clock when it answered. */
  readonly serverMs: number;
}

/** By the middle of the round trip, as NTP does with one server. */
export function skewOf({ sentAtMs, receivedAtMs, serverMs }: TimeSample): ClockSkew {
  const middleMs = (sentAtMs + receivedAtMs) / 2;
  const uncertaintyMs = Math.ceil(Math.abs(receivedAtMs - sentAtMs) / 2);
  return { skewMs: Math.round(middleMs - serverMs), uncertaintyMs, measuredAtMs: receivedAtMs };
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
