import { Worker } from 'node:worker_threads';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { closeDescriptor } from '../../lib/pass-descriptors.ts';
import type { CaptureState } from '../capture/capture-listeners.ts';
import type { RunningProxy } from '../proxy.ts';
import type { ConnectionRecord, ProxyEvents } from '../proxy-events.ts';
import type { ProxyPlan } from '../proxy-options.ts';
import { followSubjects, subjectValues, type WorkerSubjects } from './followed-subjects.ts';
import type {
  FromWorker,
  OpenCounts,
  ToWorker,
  WorkerEvent,
  WorkerStart,
} from './worker-protocol.ts';

/** What a worker has open, and what it captures. */
export interface Survey {
  readonly records: readonly ConnectionRecord[];
  readonly capture: CaptureState;
}

export interface ProxyThreadOptions {
  /** Of this program; the thread's must be the same. */
  readonly version: string;
  /** The thread makes its own of the sockets that it inherits; these are closed once it has, or is gone. */
  readonly plan: ProxyPlan;
  readonly subjects: WorkerSubjects;
  readonly events: ProxyEvents;
  /** Told of DER of authorities that the worker has met. */
  readonly issuerMet: (der: Uint8Array) => void;
  /** The module that the thread runs. */
  readonly entry: URL;
}

/** How long a thread may take beyond its deadline to say that it has drained. */
const GRACE_MS = 5_000;
const NOTHING_OPEN: OpenCounts = { inbound: 0, outbound: 0 };

/** One proxy in a thread of its own, followed and told of what changes from this one. */
export class ProxyThread {
  /**
   * Resolves once it serves.
   *
   * @throws {MeshError} ERR_LISTEN and others as `startProxy`, ERR_UNREACHABLE when the thread ends before.
   */
  readonly bound: Promise<RunningProxy['bound']>;
  /** Resolves when the thread is gone: why, and what was open then. */
  readonly ended: Promise<{ readonly reason: string; readonly open: OpenCounts }>;
  readonly #worker: Worker;
  readonly #events: ProxyEvents;
  readonly #issuerMet: (der: Uint8Array) => void;
  readonly #bound = Promise.withResolvers<RunningProxy['bound']>();
  readonly #drained = Promise.withResolvers<void>();
  readonly #questions = new Map<number, (answer: Survey | undefined) => void>();
  #lastQuestion = 0;
  #open = NOTHING_OPEN;
  #listening: RunningProxy['listening'] = [];
  #dropped = 0;
  #reason: string | undefined;

  constructor({ version, plan, subjects, events, issuerMet, entry }: ProxyThreadOptions) {
    const start: WorkerStart = { version, plan, ...subjectValues(subjects) };
    // An environment holds secrets now and then, and a proxy reads none.
    this.#worker = new Worker(entry, { workerData: start, env: {}, name: 'proxy' });
    this.#events = events;
    this.#issuerMet = issuerMet;
    this.bound = this.#bound.promise;
    const giveBack = (): void => {
      for (const { fd } of plan.sockets?.inherited ?? []) closeDescriptor(fd);
    };
    // Who does not wait for it is told by `ended`.
    this.bound.then(giveBack, giveBack);
    const stop = followSubjects(subjects, (change) => this.#tell({ kind: 'change', change }));
    this.#worker.on('message', (message: FromWorker) => this.#hear(message));
    this.#worker.on('messageerror', (error) => this.end(messageOf(error)));
    this.#worker.on('error', (error) => {
      this.#reason ??= messageOf(error);
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        stop();
        this.#reason ??= `it ended with code ${code}`;
        const open = this.#open;
        this.#open = NOTHING_OPEN;
        for (const answer of this.#questions.values()) answer(undefined);
        this.#questions.clear();
        this.#bound.reject(new MeshError('ERR_UNREACHABLE', `a proxy worker: ${this.#reason}`));
        resolve({ reason: this.#reason, open });
      });
    });
  }

  /** As it last said. */
  get open(): OpenCounts {
    return this.#open;
  }

  /** What it listens on; its descriptors are closed when it ends. */
  get listening(): RunningProxy['listening'] {
    return this.#listening;
  }

  /** Events that it had to drop because this thread did not keep up. */
  get dropped(): number {
    return this.#dropped;
  }

  /** What it has now; undefined when it ends before it has answered. */
  survey(): Promise<Survey | undefined> {
    if (this.#reason !== undefined) return Promise.resolve(undefined);
    this.#lastQuestion += 1;
    const question = this.#lastQuestion;
    return new Promise((resolve) => {
      this.#questions.set(question, resolve);
      this.#tell({ kind: 'list', question });
    });
  }

  /** As `RunningProxy.drain`; the thread is gone afterwards, whatever it did. */
  async drain(deadlineMs: number): Promise<void> {
    this.#tell({ kind: 'drain', deadlineMs });
    const late = setTimeout(this.#drained.resolve, deadlineMs + GRACE_MS);
    await Promise.race([this.#drained.promise, this.ended]);
    clearTimeout(late);
    await this.end('drained');
  }

  /** Ends the thread at once. */
  async end(reason: string): Promise<void> {
    this.#reason ??= reason;
    await this.#worker.terminate();
    await this.ended;
  }

  #tell(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case 'bound':
        this.#listening = message.listening;
        this.#bound.resolve(message.bound);
        return;
      case 'failed': {
        this.#reason ??= message.message;
        const { code = 'ERR_UNREACHABLE' } = message;
        this.#bound.reject(new MeshError(code, message.message));
        return;
      }
      case 'events': {
        const { events, open, dropped } = message.batch;
        for (const event of events) report(this.#events, event);
        this.#open = open;
        this.#dropped = dropped;
        if (events.length > 0) this.#tell({ kind: 'heard', events: events.length });
        return;
      }
      case 'issuer':
        this.#issuerMet(message.der);
        return;
      case 'connections':
        this.#questions.get(message.question)?.(message);
        this.#questions.delete(message.question);
        return;
      case 'drained':
        this.#drained.resolve();
    }
  }
}

function report(events: ProxyEvents, [name, record]: WorkerEvent): void {
  const tell: (record: never) => void = events[name];
  tell.call(events, record as never);
}
