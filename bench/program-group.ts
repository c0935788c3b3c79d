import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NoUseWaiting } from '../src/app/demo/until.ts';

export interface ProgramSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A running program and whatever it forks, which share one process group. */
export interface Program {
  readonly name: string;
  /** Of the process group, and of the first process in it. */
  readonly group: number;
  /** @throws {NoUseWaiting} with the last line that it wrote, once it has ended. */
  refuseEnded(): void;
}

const PATIENCE_MS = 5_000;

/** Programs that run in process groups of their own, so that Ctrl-C on a terminal is ours alone. */
export class ProgramGroup {
  readonly #logs: string;
  readonly #running = new Map<number, ChildProcess>();

  /** @param logs directory for what the programs write. */
  constructor(logs: string) {
    this.#logs = logs;
  }

  start({ name, command, args, env = {} }: ProgramSpec): Program {
    const logFile = join(this.#logs, `${name}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(command, args, { detached: true, env, stdio: ['ignore', log, log] });
    closeSync(log);
    const group = child.pid ?? 0;
    let ended: string | undefined;
    const end = (why: string): void => {
      ended ??= why;
      this.#running.delete(group);
    };
    if (group > 0) this.#running.set(group, child);
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(`ended with ${signal ?? code}`));
    return {
      name,
      group,
      refuseEnded() {
        if (ended === undefined) return;
        const last = readFileSync(logFile, 'utf8').trim().split('\n').at(-1) ?? '';
        throw new NoUseWaiting(`${name} ${ended}: ${last}`);
      },
    };
  }

  /** SIGTERM to all but `kept`, SIGKILL to what is still there after five seconds. */
  async stop(kept: readonly Program[] = []): Promise<void> {
    const spared = new Set(kept.map(({ group }) => group));
    const ending = [...this.#running].filter(([group]) => !spared.has(group));
    const killThem = (): void => {
      for (const [group] of ending) killGroup(group);
    };
    const gone = ending.map(([, child]) => new Promise((resolve) => child.once('exit', resolve)));
    for (const [, child] of ending) child.kill('SIGTERM');
    const timer = setTimeout(killThem, PATIENCE_MS);
    await Promise.all(gone);
    clearTimeout(timer);
    killThem();
  }

  /** Process groups of all that run. */
  get groups(): readonly number[] {
    return [...this.#running.keys()];
  }

  /** SIGKILL to everything that runs; for the end of this process, when nothing can be awaited. */
  killAll(): void {
    for (const group of this.#running.keys()) killGroup(group);
  }
}

/** Reaches the workers of a master that is gone already. */
function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}
