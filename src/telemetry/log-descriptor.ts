import { writeSync } from 'node:fs';
import { errorCode } from '../lib/file-problem.ts';

export interface LogDescriptorOptions {
  readonly fd: number;
  /** What waits, at most, for a full disk to have room; a line beyond it is lost. Default 1 MiB. */
  readonly mostBytes?: number;
  /** Called when it can be written again and so many lines were lost before. */
  readonly lost: (lines: number) => void;
  /** Calls back some time later, without keeping the process. */
  readonly later: (again: () => void) => void;
}

/** Lines on a descriptor that hold nobody up: what cannot be written waits, and never as half a line. */
export class LogDescriptor {
  readonly #options: Required<LogDescriptorOptions>;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #lost = 0;
  #retrying = false;

  constructor(options: LogDescriptorOptions) {
    this.#options = { mostBytes: 1024 * 1024, ...options };
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#bytes + bytes.length > this.#options.mostBytes) this.flush();
    if (this.#bytes + bytes.length > this.#options.mostBytes) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    this.flush();
  }

  /** Writes what waits, as far as that goes. */
  flush(): void {
    try {
      for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
        const written = writeSync(this.#options.fd, next);
        this.#bytes -= written;
        if (written < next.length) this.#waiting[0] = next.subarray(written);
        else this.#waiting.shift();
      }
    } catch (error) {
      this.#failed(error);
      return;
    }
    const lines = this.#lost;
    this.#lost = 0;
    if (lines > 0) this.#options.lost(lines);
  }

  #failed(error: unknown): void {
    if (errorCode(error) === 'EPIPE') {
      // Nobody reads, and nobody ever will.
      this.#waiting = [];
      this.#bytes = 0;
      this.#lost = 0;
      return;
    }
    if (this.#retrying) return;
    this.#retrying = true;
    this.#options.later(() => {
      this.#retrying = false;
      this.flush();
    });
  }
}
