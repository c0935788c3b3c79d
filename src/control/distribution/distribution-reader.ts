import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { type KindDefinition, qualifiedKind } from '../../resources/kind-definition.ts';
import { keyOf } from '../../resources/resource.ts';
import type { Store, StoreEvent } from '../../store/store.ts';
import { isDistributed } from './distribution-audience.ts';
import { inBatches } from './distribution-batches.ts';
import {
  type CatalogChange,
  type FactCatalog,
  type FactChange,
  factNameOf,
} from './distribution-catalog.ts';

export interface CatalogReaderOptions {
  readonly store: Store;
  readonly kinds: readonly KindDefinition[];
  readonly catalog: FactCatalog;
  readonly clock: Clock;
  /** The catalog has changed so; called once per batch of events, also for none. */
  readonly published: (changes: readonly CatalogChange[]) => void;
  /** How long to gather changes after `published`, in milliseconds. Default: not at all. */
  readonly pauseMs?: () => number;
  /** Reading failed and is tried again; the catalog stays as it is meanwhile. */
  readonly interrupted: (reason: string) => void;
}

const LARGEST_BATCH = 1_000;
const RETRY = { firstMs: 100, maxMs: 10_000 };

/** The one reader of the store: lists, watches, and lists again when the watch cannot go on. */
export class CatalogReader {
  readonly #options: CatalogReaderOptions;
  readonly #kinds = new Map<string, KindDefinition>();
  /** Up to which version a kind's list has made its events superfluous. */
  readonly #listedAt = new Map<string, number>();
  #failures = 0;

  constructor(options: CatalogReaderOptions) {
    this.#options = options;
    for (const kind of options.kinds)
      if (isDistributed(kind)) this.#kinds.set(qualifiedKind(kind), kind);
  }

  /** Reads until `signal` aborts. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#list();
        await this.#follow(signal);
      } catch (error) {
        if (!signal.aborted) await this.#recover(error, signal);
      }
    }
  }

  async #list(): Promise<void> {
    const { store, catalog, published } = this.#options;
    const changes: FactChange[] = [];
    let complete = Number.POSITIVE_INFINITY;
    for (const [qualified, kind] of this.#kinds) {
      const { items, version } = await store.list(qualified);
      const present = items.map((resource) => ({ kind, name: factNameOf(resource), resource }));
      const names = new Set(present.map(({ name }) => name));
      const gone = catalog.namesOf(kind).filter((name) => !names.has(name));
      changes.push(...present, ...gone.map((name) => ({ kind, name, resource: undefined })));
      this.#listedAt.set(qualified, version);
      complete = Math.min(complete, version);
    }
    published(catalog.apply(changes, Number.isFinite(complete) ? complete : store.version));
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { store, catalog, published, clock } = this.#options;
    const ended = new AbortController();
    const until = AbortSignal.any([signal, ended.signal]);
    try {
      const events = store.watch({ fromVersion: catalog.version }, until);
      for await (const batch of inBatches(events, LARGEST_BATCH)) {
        const version = batch.at(-1)?.version ?? catalog.version;
        published(
          catalog.apply(
            batch.flatMap((event) => this.#read(event)),
            version,
          ),
        );
        this.#failures = 0;
        const pauseMs = this.#options.pauseMs?.() ?? 0;
        if (pauseMs > 0) await clock.sleep(pauseMs, signal);
      }
    } finally {
      ended.abort();
    }
    if (!signal.aborted) throw new MeshError('ERR_STORE', 'the store has ended the watch');
  }

  /** Nothing for kinds that are not distributed, and for what the list has already said. */
  #read({ type, resource, version }: StoreEvent): readonly FactChange[] {
    const qualified = keyOf(resource).kind;
    const kind = this.#kinds.get(qualified);
    if (kind === undefined || version <= (this.#listedAt.get(qualified) ?? 0)) return [];
    const name = factNameOf(resource);
    return [{ kind, name, resource: type === 'DELETED' ? undefined : resource }];
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    this.#failures += 1;
    // Compaction is nobody's fault and listing again is the cure; only a repetition must wait.
    if (MeshError.is(error, 'ERR_GONE') && this.#failures === 1) return;
    this.#options.interrupted(messageOf(error));
    await this.#options.clock.sleep(backoffMs(this.#failures, RETRY), signal);
  }
}
