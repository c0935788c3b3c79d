import { createClient, type Transport } from '@connectrpc/connect';
import type { LogLine, LogQuestion } from '../../gen/hauberk/logs/v1/workload_log_pb.js';
import { WorkloadLogService } from '../../gen/hauberk/logs/v1/workload_log_pb.js';
import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Task } from '../../lib/tasks.ts';
import { nodeHeader } from '../../xds/heartbeat-headers.ts';
import { AnswerQueue } from './answer-queue.ts';

/** The log that is served: what is kept of it, and what comes. */
export interface ServedLog {
  list(): readonly ServedLine[];
  /** Until the returned function is called. */
  subscribe(listener: (line: ServedLine) => void): () => void;
}

export interface ServedLine {
  readonly atMs: number;
  readonly text: string;
}

export interface LogServiceOptions {
  readonly log: ServedLog;
  /** As the agent calls itself in discovery. */
  readonly node: () => string;
  readonly clock: Clock;
}

const MOST_QUESTIONS = 16;
const MOST_LINES = 256;
const RETRY = { firstMs: 1_000, maxMs: 60_000 };

/** Answers the control plane's questions for this process's log, over whatever connection there is. */
export class LogService {
  readonly #options: LogServiceOptions;
  #transport: Transport | undefined;
  #wake = new AbortController();

  constructor(options: LogServiceOptions) {
    this.#options = options;
  }

  /** Answers over this connection from now on. */
  use(transport: Transport): void {
    this.#transport = transport;
    this.#wake.abort();
  }

  readonly run: Task = async (signal) => {
    const { clock } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const until = AbortSignal.any([signal, this.#wake.signal]);
      const transport = this.#transport;
      if (transport !== undefined) {
        const answered = await this.#serve(transport, until);
        failures = answered || until.aborted ? 0 : failures + 1;
      }
      const restMs = transport === undefined ? RETRY.maxMs : backoffMs(failures + 1, RETRY);
      await clock.sleep(restMs, until);
    }
  };

  /** Until the stream ends; whether anything was asked on it. That there is no control plane is told elsewhere. */
  async #serve(transport: Transport, signal: AbortSignal): Promise<boolean> {
    const { node, log } = this.#options;
    const answers = new AnswerQueue();
    const open = new Map<number, () => void>();
    let asked = false;
    const end = (id: number): void => {
      open.get(id)?.();
      open.delete(id);
    };
    try {
      const client = createClient(WorkloadLogService, transport);
      const headers = { [nodeHeader]: node() };
      for await (const question of client.serve(answers.run(signal), { signal, headers })) {
        asked = true;
        if (question.cancel) end(question.id);
        else this.#answer(question, { answers, open, log });
      }
    } catch {
      // An older control plane has no such service, and one that is away is told of by discovery.
    } finally {
      for (const stop of open.values()) stop();
    }
    return asked;
  }

  #answer(
    { id, follow }: LogQuestion,
    parts: {
      readonly answers: AnswerQueue;
      readonly open: Map<number, () => void>;
      readonly log: ServedLog;
    },
  ): void {
    const { answers, open, log } = parts;
    if (open.size >= MOST_QUESTIONS) {
      answers.push({ id, lines: [], kept: true, end: true });
      return;
    }
    const lines = log.list().map(wireLine);
    for (let at = 0; at < lines.length; at += MOST_LINES) {
      answers.push({ id, lines: lines.slice(at, at + MOST_LINES), kept: false, end: false });
    }
    answers.push({ id, lines: [], kept: true, end: !follow });
    if (!follow) return;
    const push = (line: ServedLine): void =>
      answers.push({ id, lines: [wireLine(line)], kept: false, end: false });
    open.set(id, log.subscribe(push));
  }
}

function wireLine({ atMs, text }: ServedLine): Pick<LogLine, 'atMs' | 'text'> {
  return { atMs: BigInt(atMs), text };
}
