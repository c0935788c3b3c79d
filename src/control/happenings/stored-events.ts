import { createHash } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import { keyText, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { Change, Store } from '../../store/store.ts';
import type { EventRecorder, Happening } from './event-recorder.ts';
import { eventOf } from './happening-event.ts';

export interface StoredEventsOptions {
  readonly store: Pick<Store, 'get' | 'list' | 'commit'>;
  /** What an event is about, for its uid; undefined where nothing is known of it. */
  readonly find: (key: ResourceKey) => Promise<Resource | undefined>;
  readonly clock: Clock;
  /** Something could not be stored, and is lost. */
  readonly failed: (reason: string) => void;
}

const FLUSH_MS = 1_000;
const SWEEP_MS = 60_000;
/** Kubernetes keeps events for an hour, too. */
const LIFETIME_MS = 3_600_000;
/** What happens again and again is counted in memory and written this often. */
const REPEAT_MS = 30_000;
const MOST_PENDING = 1_000;
const MOST_A_FLUSH = 100;
const MOST_STORED = 2_000;

interface Pending {
  readonly happening: Happening;
  readonly name: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
}

/**
 * Events in the store, where `kubectl get events`, watches and restarts find them. They are written
 * together once a second, the same one again at most twice a minute, and forgotten after an hour;
 * of too many the oldest go.
 */
export class StoredEvents implements EventRecorder {
  readonly #options: StoredEventsOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #writtenAtMs = new Map<string, number>();
  #dropped = 0;

  constructor(options: StoredEventsOptions) {
    this.#options = options;
  }

  record(happening: Happening): void {
    const name = nameOf(happening);
    const key = `${happening.about.namespace ?? ''}/${name}`;
    const nowMs = this.#options.clock.now();
    const before = this.#pending.get(key);
    if (before === undefined && this.#pending.size >= MOST_PENDING) {
      this.#dropped += 1;
      return;
    }
    const { firstMs = nowMs, count = 0 } = before ?? {};
    this.#pending.set(key, { happening, name, firstMs, lastMs: nowMs, count: count + 1 });
  }

  /** Writes and forgets until `signal` aborts, and writes what is left then. */
  readonly run: Task = async (signal) => {
    const { clock } = this.#options;
    let sweptAtMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      await this.#attempt(() => this.#flush());
      if (clock.elapsedMs() - sweptAtMs >= SWEEP_MS) {
        sweptAtMs = clock.elapsedMs();
        await this.#attempt(() => this.#sweep());
      }
      await clock.sleep(FLUSH_MS, signal);
    }
    this.#writtenAtMs.clear();
    await this.#attempt(() => this.#flush());
  };

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.failed(messageOf(error));
    }
  }

  async #flush(): Promise<void> {
    const elapsedMs = this.#options.clock.elapsedMs();
    const writtenAtMs = (key: string): number =>
      this.#writtenAtMs.get(key) ?? Number.NEGATIVE_INFINITY;
    const due = [...this.#pending]
      .filter(([key]) => elapsedMs - writtenAtMs(key) >= REPEAT_MS)
      .slice(0, MOST_A_FLUSH);
    const changes: Change[] = [];
    for (const [key, pending] of due) {
      this.#pending.delete(key);
      this.#writtenAtMs.set(key, elapsedMs);
      const change = await this.#changeFor(pending);
      if (change !== undefined) changes.push(change);
    }
    if (changes.length > 0) await this.#options.store.commit(changes);
    if (this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#options.failed(`${dropped} events were dropped: too many different ones at once`);
  }

  /** Undefined where there is no namespace to put it in, or none for long. */
  async #changeFor({ happening, ...times }: Pending): Promise<Change | undefined> {
    const { store, find } = this.#options;
    const namespace = happening.about.namespace ?? 'default';
    const home = await store.get({ kind: 'Namespace', name: namespace });
    if (home === undefined || home.metadata.deletionTimestamp !== undefined) return undefined;
    const stored = await store.get({ kind: 'Event', namespace, name: times.name });
    const about = await find(happening.about);
    return { op: 'put', resource: eventOf(happening, { ...times, namespace, about, stored }) };
  }

  async #sweep(): Promise<void> {
    const { store, clock } = this.#options;
    const nowMs = clock.now();
    const elapsedMs = clock.elapsedMs();
    for (const [key, atMs] of this.#writtenAtMs) {
      if (elapsedMs - atMs >= REPEAT_MS) this.#writtenAtMs.delete(key);
    }
    const { items } = await store.list('Event');
    const newestFirst = items
      .map((resource) => ({ resource, atMs: lastMsOf(resource) }))
      .toSorted((a, b) => b.atMs - a.atMs);
    const doomed = newestFirst.filter(
      ({ atMs }, index) => nowMs - atMs >= LIFETIME_MS || index >= MOST_STORED,
    );
    if (doomed.length === 0) return;
    await store.commit(
      doomed.map(({ resource: { metadata } }): Change => {
        const { namespace = '', name, resourceVersion = '0' } = metadata;
        const key = { kind: 'Event', namespace, name };
        return { op: 'delete', key, expectVersion: resourceVersion };
      }),
    );
  }
}

/** One name for what counts as the same, so that it goes on counting after a restart. */
function nameOf({ about, type, reason, component, message, series = message }: Happening): string {
  const parts = [keyText(about), type, reason, component, series];
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
  const readable = about.name.toLowerCase().replaceAll(/[^a-z0-9.-]/g, '-');
  return `${readable.slice(0, 200).replaceAll(/^[.-]+|[.-]+$/g, '') || 'event'}.${hash}`;
}

function lastMsOf(event: Resource): number {
  const series = event['series'] as { readonly lastObservedTime?: string } | undefined;
  const texts = [
    series?.lastObservedTime,
    event['lastTimestamp'],
    event['eventTime'],
    event.metadata.creationTimestamp,
  ];
  const times = texts.map((text) => Date.parse(String(text ?? ''))).filter(Number.isFinite);
  return Math.max(0, ...times);
}
