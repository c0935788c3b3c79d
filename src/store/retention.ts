/**
 * How much of the past a store keeps. What leaves both bounds is deleted; an object that exists
 * keeps its present version whatever they say.
 */
export interface Retention {
  /**
   * A watch may start at any version that is at most this many events ago. The log is cut when it
   * has grown by a tenth beyond. An object that was deleted before that is forgotten entirely.
   */
  readonly events: number;
  /** So many versions of an object that exists are kept, however long ago they were. */
  readonly versionsPerObject: number;
}

export const defaultRetention: Retention = { events: 10_000, versionsPerObject: 1_000 };

/**
 * The floor that a log from `floor` (exclusive) to `version` should have: the same, or a higher one
 * when it is time to cut. Cutting a tenth at a time keeps the cost of it away from most commits.
 */
export function nextFloor(floor: number, version: number, retention: Retention): number {
  const slack = Math.ceil(retention.events / 10);
  return version - floor > retention.events + slack ? version - retention.events : floor;
}
