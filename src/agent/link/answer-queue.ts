import type { LogLine } from '../../gen/hauberk/logs/v1/workload_log_pb.js';

/** Lines of one question, on their way. */
export interface QueuedAnswer {
  readonly id: number;
  readonly lines: readonly Pick<LogLine, 'atMs' | 'text'>[];
  /** All that was kept is on its way. */
  readonly kept: boolean;
  readonly end: boolean;
}

const MOST_QUEUED = 2_048;

/** What waits to be sent on one stream. A control plane that does not read loses lines, and the agent no memory. */
export class AnswerQueue {
  #queued: QueuedAnswer[] = [];
  #wake: (() => void) | undefined;

  /** Beyond 2,048 answers lines are dropped; where a question is, is not. */
  push(answer: QueuedAnswer): void {
    if (this.#queued.length >= MOST_QUEUED && !answer.end && !answer.kept) return;
    this.#queued.push(answer);
    this.#wake?.();
  }

  /** The messages of the stream: one to begin with, then the answers as the other side takes them. */
  async *run(signal: AbortSignal): AsyncGenerator<{
    readonly id: number;
    readonly lines: Pick<LogLine, 'atMs' | 'text'>[];
    readonly kept: boolean;
    readonly end: boolean;
  }> {
    yield { id: 0, lines: [], kept: false, end: false };
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const next = this.#queued.shift();
        if (next === undefined) await this.#more(signal);
        else yield { ...next, lines: [...next.lines] };
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (signal.aborted || this.#queued.length > 0) resolve();
    });
  }
}
