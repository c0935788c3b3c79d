import type { Direction, ProxyEvents } from '../proxy-events.ts';
import type { OpenCounts, WorkerEvent } from './worker-protocol.ts';

/** What is told of a proxy at a time. */
export interface EventBatch {
  readonly events: readonly WorkerEvent[];
  /** After the last of them. */
  readonly open: OpenCounts;
  /** Events that nobody will hear of, because too many were waiting, since the start. */
  readonly dropped: number;
}

export interface EventBatchesOptions {
  readonly send: (batch: EventBatch) => void;
  /** Calls back once all that is ready now has been worked on: `setImmediate`. */
  readonly schedule: (flush: () => void) => void;
  /** Events on the way to whoever hears them; what comes above is dropped and counted. Default 10,000. */
  readonly maxWaiting?: number;
}

/** Gathers the events of a proxy, for who hears them in another thread: one message for many. */
export class EventBatches {
  readonly events: ProxyEvents;
  readonly #options: EventBatchesOptions;
  readonly #open: Record<Direction, number> = { inbound: 0, outbound: 0 };
  #batch: WorkerEvent[] = [];
  #waiting = 0;
  #dropped = 0;
  #scheduled = false;

  constructor(options: EventBatchesOptions) {
    this.#options = options;
    this.events = {
      connectionOpened: (record) => {
        this.#open[record.direction] += 1;
        this.#take(['connectionOpened', record]);
      },
      connectionClosed: (record) => {
        this.#open[record.direction] -= 1;
        this.#take(['connectionClosed', record]);
      },
      connectionDenied: (record) => this.#take(['connectionDenied', record]),
      handshakeFailed: (record) => this.#take(['handshakeFailed', record]),
      upstreamFailed: (record) => this.#take(['upstreamFailed', record]),
      // The decision is found when it is read, so not on the other side of a thread.
      requestEnded: (record) =>
        this.#take(['requestEnded', { ...record, decision: record.decision }]),
      httpMalformed: (record) => this.#take(['httpMalformed', record]),
      sessionOpened: (record) => this.#take(['sessionOpened', record]),
      sessionClosed: (record) => this.#take(['sessionClosed', record]),
      fallbackUsed: (record) => this.#take(['fallbackUsed', record]),
      portLearned: (record) => this.#take(['portLearned', record]),
    };
  }

  /** So many have been dealt with. */
  heard(events: number): void {
    this.#waiting -= events;
  }

  /** Sends what there is. */
  flush(): void {
    const events = this.#batch;
    this.#batch = [];
    this.#options.send({ events, open: { ...this.#open }, dropped: this.#dropped });
  }

  #take(event: WorkerEvent): void {
    if (this.#waiting < (this.#options.maxWaiting ?? 10_000)) {
      this.#waiting += 1;
      this.#batch.push(event);
    } else {
      this.#dropped += 1;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.schedule(() => {
      this.#scheduled = false;
      this.flush();
    });
  }
}
