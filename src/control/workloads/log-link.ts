import type { LogAnswer } from '../../gen/hauberk/logs/v1/workload_log_pb.js';

/** After it come the lines that were written since the question. */
export const ALL_KEPT = 'all kept';

export interface LogLinkLine {
  readonly atMs: number;
  readonly text: string;
}

interface Question {
  readonly id: number;
  readonly follow: boolean;
  readonly cancel: boolean;
}

const MOST_QUESTIONS = 16;
const MOST_WAITING = 20_000;
const LONGEST_LINE = 16_384;

/** One reader's share of the answers. */
class Asked {
  readonly lines: (LogLinkLine | typeof ALL_KEPT)[] = [];
  ended = false;
  #wake: (() => void) | undefined;

  add(answer: LogAnswer): void {
    for (const { atMs, text } of answer.lines) {
      // Who reads more slowly than the log is written is cut; nothing is kept without bound.
      if (this.lines.length >= MOST_WAITING) this.ended = true;
      else this.lines.push({ atMs: Number(atMs), text: text.slice(0, LONGEST_LINE) });
    }
    if (answer.kept) this.lines.push(ALL_KEPT);
    if (answer.end) this.ended = true;
    this.#wake?.();
  }

  end(): void {
    this.ended = true;
    this.#wake?.();
  }

  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.ended || this.lines.length > 0) resolve();
    });
  }
}

/** The stream to one agent: questions out, their answers in, several at once. */
export class LogLink {
  readonly #asked = new Map<number, Asked>();
  readonly #questions: Question[] = [];
  #wake: (() => void) | undefined;
  #lastId = 0;
  #over = false;

  /** The questions, as they are asked, until the agent has gone or `signal` aborts. */
  async *run(answers: AsyncIterable<LogAnswer>, signal: AbortSignal): AsyncGenerator<Question> {
    const onAbort = (): void => this.#end();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) this.#end();
    const reading = this.#read(answers);
    try {
      while (!this.#over) {
        const next = this.#questions.shift();
        if (next === undefined) await this.#more();
        else yield next;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#end();
      void reading;
    }
  }

  /** The lines of one question. It ends when more than 16 are open. */
  async *ask(follow: boolean, signal: AbortSignal): AsyncGenerator<LogLinkLine | typeof ALL_KEPT> {
    if (this.#asked.size >= MOST_QUESTIONS || this.#over) return;
    this.#lastId += 1;
    const id = this.#lastId;
    const asked = new Asked();
    this.#asked.set(id, asked);
    this.#send({ id, follow, cancel: false });
    const onAbort = (): void => asked.end();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const next = asked.lines.shift();
        if (next !== undefined) yield next;
        else if (asked.ended) return;
        else await asked.more();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#asked.delete(id);
      this.#send({ id, follow: false, cancel: true });
    }
  }

  async #read(answers: AsyncIterable<LogAnswer>): Promise<void> {
    try {
      for await (const answer of answers) this.#asked.get(answer.id)?.add(answer);
    } catch {
      // The agent has gone without a word.
    }
    this.#end();
  }

  #send(question: Question): void {
    this.#questions.push(question);
    this.#wake?.();
  }

  #end(): void {
    this.#over = true;
    for (const asked of this.#asked.values()) asked.end();
    this.#wake?.();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#over || this.#questions.length > 0) resolve();
    });
  }
}
