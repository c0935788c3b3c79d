/** One turn of the event loop. */
export interface Turn {
  readonly nowMs: number;
  /** How long the turn before took. */
  readonly lastedMs: number;
}

export interface AdmissionLimits {
  /** About what letting one in costs this thread, in milliseconds. */
  readonly costMs: number;
  /** Who has waited so long is not there any more. */
  readonly maxWaitMs: number;
}

export interface Admission<T> {
  readonly admit: readonly T[];
  /** Not worth the cost any more. */
  readonly close: readonly T[];
}

const FEWEST_PER_TURN = 4;
const MOST_PER_TURN = 64;
/** Of this thread's time, for newcomers. */
const SHARE = 0.5;
const LATE_MS = 5_000;

/**
 * Who of those who wait (since when, oldest first) is let in during this turn: as many as fit into the
 * newcomers' share of a turn as long as the last one, in their order. Once the oldest has waited for
 * 5 s it is the newest instead, who are surely still there: in order, a queue that is longer than its
 * members' patience serves only those who have just left.
 */
export function admission<T>(
  waiting: ReadonlyMap<T, number>,
  { nowMs, lastedMs }: Turn,
  { costMs, maxWaitMs }: AdmissionLimits,
): Admission<T> {
  const all = [...waiting];
  const close = all.filter(([, sinceMs]) => nowMs - sinceMs >= maxWaitMs).map(([one]) => one);
  const rest = all.slice(close.length);
  const share = Math.floor((lastedMs * SHARE) / costMs);
  const count = Math.min(MOST_PER_TURN, Math.max(FEWEST_PER_TURN, share));
  const late = nowMs - (rest[0]?.[1] ?? nowMs) > LATE_MS;
  const admit = (late ? rest.slice(-count) : rest.slice(0, count)).map(([one]) => one);
  return { admit, close };
}
