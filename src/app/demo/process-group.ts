import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface StartedProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<void>;
  readonly running: boolean;
  /** Everything that the process wrote so far. */
  log(): string;
  kill(signal: NodeJS.Signals): void;
}

export interface ProcessSpec {
  readonly name: string;
  /** Arguments to this Node.js, the script first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const PATIENCE_MS = 5_000;

/** Child processes that log to files of one directory and are all gone after `stop`. */
export class ProcessGroup {
  readonly #directory: string;
  readonly #children = new Set<ChildProcess>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  start({ name, args, env }: ProcessSpec): StartedProcess {
    const logFile = join(this.#directory, `${name}.log`);
    const log = createWriteStream(logFile, { flags: 'a' });
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#children.add(child);
    let running = true;
    const exited = new Promise<void>((resolve) => {
      const ended = (): void => {
        running = false;
        this.#children.delete(child);
        log.end(() => resolve());
      };
      child.once('close', ended);
      child.once('error', ended);
    });
    return {
      name,
      pid: child.pid ?? 0,
      logFile,
      exited,
      get running() {
        return running;
      },
      log: () => readFileSync(logFile, 'utf8'),
      kill: (signal) => void child.kill(signal),
    };
  }

  /** SIGTERM to all, SIGKILL to those that are still there after five seconds. */
  async stop(): Promise<void> {
    const children = [...this.#children];
    const gone = Promise.all(
      children.map((child) => new Promise((resolve) => child.once('close', resolve))),
    );
    for (const child of children) child.kill('SIGTERM');
    const timer = setTimeout(() => {
      for (const child of this.#children) child.kill('SIGKILL');
    }, PATIENCE_MS);
    await gone;
    clearTimeout(timer);
  }
}
