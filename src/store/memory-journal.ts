import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import { EventWindow } from './event-window.ts';
import { type Journal, type LogEntry, type LogPage, type LogQuestion, placeOf } from './journal.ts';
import { nextFloor, type Retention } from './retention.ts';
import type { StoredVersion } from './store.ts';

/** A journal that ends with the process. */
export class MemoryJournal implements Journal {
  readonly #retention: Retention;
  readonly #window = new EventWindow(0);
  readonly #histories = new Map<string, StoredVersion[]>();

  constructor(retention: Retention) {
    this.#retention = retention;
  }

  get version(): number {
    return this.#window.version;
  }

  get floor(): number {
    return this.#window.floor;
  }

  objects(): Iterable<Resource> {
    return [];
  }

  append(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      this.#window.push(entry);
      const place = placeOf(entry.key);
      const history = this.#histories.get(place);
      if (history === undefined) this.#histories.set(place, [entry.stored]);
      else history.push(entry.stored);
    }
    const floor = nextFloor(this.floor, this.version, this.#retention);
    if (floor > this.floor) this.#compact(floor);
  }

  read(question: LogQuestion): LogPage {
    return this.#window.read(question);
  }

  history(key: ResourceKey): readonly StoredVersion[] {
    return [...(this.#histories.get(placeOf(key)) ?? [])];
  }

  keys(): readonly ResourceKey[] {
    return [...this.#histories.values()].flatMap(([first]) =>
      first === undefined ? [] : [keyOf(first.resource)],
    );
  }

  previous(key: ResourceKey, version: number): StoredVersion | undefined {
    return this.#histories.get(placeOf(key))?.findLast((event) => event.version < version);
  }

  close(): void {
    this.#histories.clear();
  }

  /** Only objects with an event that leaves the log now can have versions to forget. */
  #compact(floor: number): void {
    const places = new Set(this.#window.cut(floor).map(({ key }) => placeOf(key)));
    for (const place of places) {
      const history = this.#histories.get(place) ?? [];
      const last = history.at(-1);
      if (last?.type === 'DELETED' && last.version <= floor) {
        this.#histories.delete(place);
        continue;
      }
      const firstKept = history.length - this.#retention.versionsPerObject;
      this.#histories.set(
        place,
        history.filter(({ version }, index) => index >= firstKept || version > floor),
      );
    }
  }
}
