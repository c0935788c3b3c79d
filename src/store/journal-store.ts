import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Resource, ResourceKey } from '../resources/resource.ts';
import { CommitQueue } from './commit-queue.ts';
import type { Journal, LogEntry, LogPage, LogQuestion } from './journal.ts';
import { ObjectTable } from './object-table.ts';
import type { Change, Store, StoredVersion, StoreEvent } from './store.ts';

/**
 * A Store over a journal, of which it is the only writer: it plans commits against the state in
 * memory, has the journal keep them, and only then shows them to readers and watchers. All of that
 * happens in one turn of the event loop, so commits need no lock among themselves.
 */
export class JournalStore implements Store {
  readonly #journal: Journal;
  readonly #objects: ObjectTable;
  readonly #commits: CommitQueue;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  /** @param nextTurn When commits that came together are kept. Default: as `CommitQueue`. */
  constructor(journal: Journal, clock: Clock, nextTurn?: (work: () => void) => void) {
    this.#journal = journal;
    const objects = new ObjectTable(journal.objects());
    this.#objects = objects;
    this.#commits = new CommitQueue(
      {
        get: (key) => objects.get(key),
        get version() {
          return journal.version;
        },
        now: () => clock.now(),
        keep: (entries) => this.#keep(entries),
      },
      nextTurn,
    );
  }

  get version(): number {
    return this.#journal.version;
  }

  async get(key: ResourceKey): Promise<Resource | undefined> {
    this.#checkOpen();
    return this.#objects.get(key);
  }

  async list(
    kind: string,
    namespace?: string,
  ): Promise<{ readonly items: readonly Resource[]; readonly version: number }> {
    this.#checkOpen();
    return { items: this.#objects.list(kind, namespace), version: this.version };
  }

  async commit(changes: readonly Change[]): Promise<readonly (Resource | undefined)[]> {
    this.#checkOpen();
    return this.#commits.commit(changes);
  }

  watch(
    options: { readonly kind?: string; readonly fromVersion: number },
    signal: AbortSignal,
  ): AsyncIterable<StoreEvent> {
    this.#checkOpen();
    return this.#follow(options, signal);
  }

  async history(key: ResourceKey): Promise<readonly StoredVersion[]> {
    this.#checkOpen();
    return this.#journal.history(key);
  }

  async knownKeys(): Promise<readonly ResourceKey[]> {
    this.#checkOpen();
    return this.#journal.keys();
  }

  async previous(key: ResourceKey, version: number): Promise<Resource | undefined> {
    this.#checkOpen();
    const before = this.#journal.previous(key, version);
    return before?.type === 'DELETED' ? undefined : before?.resource;
  }

  close(): void {
    if (this.#closed) return;
    this.#commits.flush();
    this.#closed = true;
    this.#wakeWatchers();
    this.#journal.close();
  }

  async *#follow(
    { kind, fromVersion }: { readonly kind?: string; readonly fromVersion: number },
    signal: AbortSignal,
  ): AsyncGenerator<StoreEvent, void, undefined> {
    const ended = (): boolean => signal.aborted || this.#closed;
    let after = fromVersion;
    while (!ended()) {
      const { events, upTo } = this.#read({ after, kind });
      for (const event of events) {
        yield event;
        if (ended()) return;
      }
      // Compared and waited for in one turn of the loop, so no commit falls between.
      if (upTo === this.version) await this.#nextCommit(signal);
      after = upTo;
    }
  }

  #read(question: LogQuestion): LogPage {
    const { after } = question;
    const { floor, version } = this.#journal;
    if (!Number.isSafeInteger(after)) {
      throw new MeshError('ERR_USAGE', `a watch cannot start at version "${after}"`);
    }
    if (after < floor) {
      throw new MeshError(
        'ERR_GONE',
        `events after version ${after} are gone, the log begins after ${floor}; list again and watch from there`,
      );
    }
    if (after > version) {
      throw new MeshError(
        'ERR_GONE',
        `the store is at version ${version} and was never at ${after}; list again and watch from there`,
      );
    }
    return this.#journal.read(question);
  }

  /** Resolves at the next commit, at abort or at close. */
  #nextCommit(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      if (signal.aborted || this.#closed) wake();
    });
  }

  #keep(entries: readonly LogEntry[]): void {
    this.#journal.append(entries);
    for (const entry of entries) this.#objects.apply(entry);
    this.#wakeWatchers();
  }

  #wakeWatchers(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #checkOpen(): void {
    if (this.#closed) throw new MeshError('ERR_STORE', 'the store is closed');
  }
}
