import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const storeChild: string = fileURLToPath(new URL('store-child.ts', import.meta.url));

/** A child process with a store, and what it has said so far. */
export interface StoreProcess extends AsyncDisposable {
  readonly pid: number;
  readonly lines: readonly string[];
  /** Resolves when the child has said `count` lines; rejects when it ended before. */
  said(count: number): Promise<void>;
  /** Kills it as a crash would, and resolves when all that it said has arrived. */
  kill(): Promise<void>;
}

/** Starts `store-child.ts` with a task on a database. */
export function startStoreProcess(task: 'commit' | 'hold', path: string): StoreProcess {
  const child: ChildProcess = spawn(process.execPath, [storeChild, task, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { stdout, pid } = child;
  if (stdout === null || pid === undefined) throw new Error(`cannot start ${process.execPath}`);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const reader = createInterface({ input: stdout });
  reader.on('line', (line) => {
    lines.push(line);
    for (const check of [...waiting]) check();
  });
  const closed = Promise.all([once(reader, 'close'), once(child, 'exit')]);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await closed;
  };
  return {
    pid,
    lines,
    said(count) {
      const enough = new Promise<void>((resolve) => {
        const check = (): void => {
          if (lines.length < count) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      });
      const ended = closed.then(() => {
        if (lines.length < count) throw new Error(`the child ended after ${lines.length} lines`);
      });
      return Promise.race([enough, ended]);
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
