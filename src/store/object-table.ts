import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import { type LogEntry, placeOf } from './journal.ts';

const NOTHING: readonly Resource[] = Object.freeze([]);

/** The present state in memory: what every read is answered from. */
export class ObjectTable {
  readonly #kinds = new Map<string, KindTable>();

  constructor(objects: Iterable<Resource>) {
    for (const resource of objects) this.#set(keyOf(resource), resource);
  }

  get(key: ResourceKey): Resource | undefined {
    return this.#kinds.get(key.kind)?.objects.get(placeOf(key));
  }

  /** Ordered by namespace and name; the array is frozen and shared. */
  list(kind: string, namespace?: string): readonly Resource[] {
    const table = this.#kinds.get(kind);
    if (table === undefined) return NOTHING;
    table.sorted ??= sort(table.objects);
    if (namespace === undefined) return table.sorted;
    return Object.freeze(
      table.sorted.filter(({ metadata }) => (metadata.namespace ?? '') === namespace),
    );
  }

  apply({ key, stored }: LogEntry): void {
    if (stored.type === 'DELETED') this.#delete(key);
    else this.#set(key, stored.resource);
  }

  #set(key: ResourceKey, resource: Resource): void {
    let table = this.#kinds.get(key.kind);
    if (table === undefined) {
      table = { objects: new Map(), sorted: undefined };
      this.#kinds.set(key.kind, table);
    }
    table.objects.set(placeOf(key), resource);
    table.sorted = undefined;
  }

  #delete(key: ResourceKey): void {
    const table = this.#kinds.get(key.kind);
    if (table === undefined) return;
    table.objects.delete(placeOf(key));
    table.sorted = undefined;
  }
}

interface KindTable {
  readonly objects: Map<string, Resource>;
  /** Made by the first list after a change: a kind is listed far more often than it changes. */
  sorted: readonly Resource[] | undefined;
}

function sort(objects: ReadonlyMap<string, Resource>): readonly Resource[] {
  const entries = [...objects].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.freeze(entries.map(([, resource]) => resource));
}
