import type { Clock } from '../../lib/clock.ts';
import type { Resource } from '../../resources/resource.ts';

/** A list as it was at one version. */
export interface Snapshot {
  readonly items: readonly Resource[];
  readonly version: number;
}

const LIFETIME_MS = 5 * 60_000;
const MOST = 64;

/**
 * The lists that are being read in pages, so that all pages are of one version. Stored objects are shared,
 * so one costs no more than its array. The oldest goes when there are too many; its reader is told to begin again.
 */
export class Snapshots {
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly snapshot: Snapshot; readonly untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keep(key: string, snapshot: Snapshot): void {
    const name = `${key}@${snapshot.version}`;
    this.#kept.delete(name);
    this.#kept.set(name, { snapshot, untilMs: this.#clock.elapsedMs() + LIFETIME_MS });
    for (const [oldest, { untilMs }] of this.#kept) {
      if (this.#kept.size <= MOST && untilMs > this.#clock.elapsedMs()) break;
      this.#kept.delete(oldest);
    }
  }

  /** The list of that key at that version, if it is still kept. */
  find(key: string, version: number): Snapshot | undefined {
    const kept = this.#kept.get(`${key}@${version}`);
    return kept !== undefined && kept.untilMs > this.#clock.elapsedMs() ? kept.snapshot : undefined;
  }
}
