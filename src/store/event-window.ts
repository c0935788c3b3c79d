import { type LogEntry, type LogPage, type LogQuestion, PAGE_EVENTS } from './journal.ts';
import type { StoreEvent } from './store.ts';

/** The newest stretch of a log, in memory. Entries have consecutive versions, so a version is an index. */
export class EventWindow {
  #floor: number;
  readonly #entries: LogEntry[] = [];

  /** An empty window after version `floor`. */
  constructor(floor: number) {
    this.#floor = floor;
  }

  /** The window is complete after this version. */
  get floor(): number {
    return this.#floor;
  }

  get version(): number {
    return this.#floor + this.#entries.length;
  }

  push(entry: LogEntry): void {
    this.#entries.push(entry);
  }

  /** Forgets, and returns, the entries up to version `floor`. */
  cut(floor: number): readonly LogEntry[] {
    const cut = this.#entries.splice(0, floor - this.#floor);
    this.#floor = floor;
    return cut;
  }

  read({ after, kind }: LogQuestion): LogPage {
    const events: StoreEvent[] = [];
    let index = after - this.#floor;
    for (; index < this.#entries.length && events.length < PAGE_EVENTS; index++) {
      const entry = this.#entries[index];
      if (entry !== undefined && (kind === undefined || entry.key.kind === kind)) {
        events.push(entry.stored);
      }
    }
    return { events, upTo: this.#floor + index };
  }
}
