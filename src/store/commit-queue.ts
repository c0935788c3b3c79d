import type { Resource, ResourceKey } from '../resources/resource.ts';
import { type LogEntry, placeOf } from './journal.ts';
import { planCommit } from './plan-commit.ts';
import type { Change } from './store.ts';

/** So many commits are kept together at most, so that readers and watchers have their turns between. */
const MOST_TOGETHER = 128;

type Results = readonly (Resource | undefined)[];

/** What a CommitQueue writes to; the state in memory, and the journal below it. */
export interface CommitTarget {
  get(key: ResourceKey): Resource | undefined;
  readonly version: number;
  /** Milliseconds since 1970. */
  now(): number;
  /** Keeps all entries and shows them to readers and watchers, or throws and does neither. */
  keep(entries: readonly LogEntry[]): void;
}

interface Waiting {
  readonly changes: readonly Change[];
  readonly resolve: (results: Results) => void;
  readonly reject: (error: unknown) => void;
}

/** What came of one commit: what to tell its caller once the entries are kept. */
type Outcome = { readonly results: Results } | { readonly refused: unknown };

/**
 * Keeps the commits of one turn of the event loop together, in the order in which they came: what
 * a commit costs is the disk's answer, and that is the same for one and for a hundred. Each is
 * planned on the state that those before it leave, so each is whole or refused by itself.
 */
export class CommitQueue {
  readonly #target: CommitTarget;
  readonly #nextTurn: (work: () => void) => void;
  #waiting: Waiting[] = [];

  /** @param nextTurn Default: `setImmediate`, which runs when all that has arrived was read. */
  constructor(target: CommitTarget, nextTurn: (work: () => void) => void = setImmediate) {
    this.#target = target;
    this.#nextTurn = nextTurn;
  }

  /** @see Store.commit */
  commit(changes: readonly Change[]): Promise<Results> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes: changes, resolve, reject });
      if (this.#waiting.length === 1) this.#nextTurn(() => this.#turn());
    });
  }

  /** Keeps what waits, now. */
  flush(): void {
    while (this.#waiting.length > 0) this.#keep(this.#waiting.splice(0, MOST_TOGETHER));
  }

  #turn(): void {
    this.#keep(this.#waiting.splice(0, MOST_TOGETHER));
    if (this.#waiting.length > 0) this.#nextTurn(() => this.#turn());
  }

  #keep(batch: readonly Waiting[]): void {
    const { entries, outcomes } = this.#plan(batch);
    try {
      if (entries.length > 0) this.#target.keep(entries);
    } catch (error) {
      // What is too much for the disk together may be none of the small ones' fault.
      if (batch.length > 1) for (const one of batch) this.#keep([one]);
      else batch[0]?.reject(error);
      return;
    }
    for (const [index, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[index] as Outcome;
      if ('results' in outcome) resolve(outcome.results);
      else reject(outcome.refused);
    }
  }

  #plan(batch: readonly Waiting[]): {
    readonly entries: readonly LogEntry[];
    readonly outcomes: readonly Outcome[];
  } {
    const nowMs = this.#target.now();
    const entries: LogEntry[] = [];
    const planned = new Map<string, Resource | undefined>();
    const get = (key: ResourceKey): Resource | undefined => {
      const place = placeOf(key);
      return planned.has(place) ? planned.get(place) : this.#target.get(key);
    };
    const outcomes = batch.map(({ changes }): Outcome => {
      try {
        const version = this.#target.version + entries.length;
        const plan = planCommit(changes, { get, version, nowMs });
        for (const { key, stored } of plan.entries) {
          planned.set(placeOf(key), stored.type === 'DELETED' ? undefined : stored.resource);
        }
        entries.push(...plan.entries);
        return { results: plan.results };
      } catch (refused) {
        return { refused };
      }
    });
    return { entries, outcomes };
  }
}
