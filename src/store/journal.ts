import type { Resource, ResourceKey } from '../resources/resource.ts';
import type { StoredVersion, StoreEvent } from './store.ts';

/** One event with the key of its object. Entries of a journal are numbered without gaps. */
export interface LogEntry {
  readonly key: ResourceKey;
  readonly stored: StoredVersion;
}

/** A stretch of the log. */
export interface LogPage {
  readonly events: readonly StoreEvent[];
  /** Everything wanted up to this version is in `events`; read on from here. */
  readonly upTo: number;
}

/** What the log is asked for: the events after a version, of one kind (qualified) or of all. */
export interface LogQuestion {
  readonly after: number;
  readonly kind: string | undefined;
}

/** Where a store keeps what it must remember. The store asks nothing of a journal that was closed. */
export interface Journal {
  /** Of the newest entry; 0 when there is none. */
  readonly version: number;
  /** The log is complete after this version. */
  readonly floor: number;
  /** All objects that exist, in no order; asked once, at the start. */
  objects(): Iterable<Resource>;
  /** Keeps all entries, which follow `version`, or throws and keeps none. */
  append(entries: readonly LogEntry[]): void;
  /** The first events of the answer, as many as are good to hold at once; `after` is within the log. */
  read(question: LogQuestion): LogPage;
  history(key: ResourceKey): readonly StoredVersion[];
  /** Of all objects with a history. */
  keys(): readonly ResourceKey[];
  /** The newest event of the object before `version`. */
  previous(key: ResourceKey, version: number): StoredVersion | undefined;
  close(): void;
}

/** So many events are read at a time, which is all that one watcher holds. */
export const PAGE_EVENTS = 64;

/** One text a key, in which an absent namespace is ''; texts of one kind sort by namespace, then name. */
export function placeOf({ kind, namespace, name }: ResourceKey): string {
  // NUL sorts before all that a name may have in it, so namespace `a` comes whole before `a-b`.
  return `${kind}\0${namespace ?? ''}\0${name}`;
}
