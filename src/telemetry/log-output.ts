import { messageOf } from '../lib/errors.ts';
import type { WriteNow } from '../lib/write-now.ts';

/** Lines that could not be written, and why the last of them could not. */
export interface LostLines {
  readonly lines: number;
  readonly reason: string;
}

export interface LogOutputOptions {
  readonly writeNow: WriteNow;
  /** The line that tells of lost ones, once others can be written again. */
  readonly lostLine: (lost: LostLines) => string;
  /** What waits at most, in bytes. Default 1 MiB. */
  readonly maxWaitingBytes?: number;
  /** Calls back a little later, unless the process ends before. Default after 200 ms. */
  readonly later?: (again: () => void) => void;
  /** Calls back when the process ends; asked once, when a line has to wait. Default Node's `exit`. */
  readonly atEnd?: (finish: () => void) => void;
}

const MAX_WAITING_BYTES = 1_048_576;
const RETRY_MS = 200;
/** At the end of the process, for a reader that is only slow. */
const LAST_WAIT_MS = 500;
const PAUSE_MS = 10;
const NOT_READ = 'nobody reads the log';
const GONE = new Set(['EPIPE', 'EBADF']);

/**
 * Where a process writes its log, a line at a time and at once. A reader that has stopped reading, or a full disk,
 * neither stops the process nor ends it: lines wait in bounded memory, the newest are lost, and how many they were
 * is told when lines can be written again. A log whose reader has gone is given up.
 */
export class LogOutput {
  readonly #options: Required<LogOutputOptions>;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #problem = NOT_READ;
  #lost = 0;
  #state: 'writing' | 'waiting' | 'gone' = 'writing';
  #hasLastWords = false;

  constructor(options: LogOutputOptions) {
    const later = (again: () => void): void => void setTimeout(again, RETRY_MS).unref();
    const atEnd = (finish: () => void): void => void process.once('exit', finish);
    this.#options = { maxWaitingBytes: MAX_WAITING_BYTES, later, atEnd, ...options };
  }

  /** Takes a line with its line feed. */
  write(line: string): void {
    if (this.#state === 'gone') return;
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > this.#options.maxWaitingBytes) {
      this.#lost += 1;
      return;
    }
    this.#add(bytes);
    if (this.#state === 'writing' && !this.#flush()) this.#wait();
  }

  /** Tries to write what waits, for half a second at most. */
  #finish(): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let waitedMs = 0; !this.#flush() && waitedMs < LAST_WAIT_MS; waitedMs += PAUSE_MS) {
      Atomics.wait(pause, 0, 0, PAUSE_MS);
    }
  }

  #add(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #wait(): void {
    this.#state = 'waiting';
    this.#options.later(() => this.#retry());
    if (this.#hasLastWords) return;
    this.#hasLastWords = true;
    this.#options.atEnd(() => this.#finish());
  }

  #retry(): void {
    if (!this.#flush()) this.#wait();
    else if (this.#state === 'waiting') this.#state = 'writing';
  }

  /** Whether nothing waits any more. */
  #flush(): boolean {
    this.#writeWaiting();
    if (this.#lost === 0 || this.#waiting.length > 0) return this.#waiting.length === 0;
    const { lostLine } = this.#options;
    this.#add(Buffer.from(lostLine({ lines: this.#lost, reason: this.#problem })));
    this.#lost = 0;
    this.#writeWaiting();
    return this.#waiting.length === 0;
  }

  #writeWaiting(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      const written = this.#written(first);
      if (this.#state === 'gone') return;
      this.#waitingBytes -= written;
      if (written < first.length) {
        this.#waiting[0] = first.subarray(written);
        return;
      }
      this.#waiting.shift();
    }
  }

  #written(bytes: Buffer): number {
    try {
      const written = this.#options.writeNow(bytes);
      if (written < bytes.length) this.#problem = NOT_READ;
      return written;
    } catch (error) {
      this.#problem = messageOf(error);
      if (GONE.has((error as NodeJS.ErrnoException).code ?? '')) this.#giveUp();
      return 0;
    }
  }

  #giveUp(): void {
    this.#state = 'gone';
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#lost = 0;
  }
}
