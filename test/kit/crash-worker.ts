import { setTimeout as sleep } from 'node:timers/promises';
import { type DebuggableProcess, ThreadDebugger } from './thread-debugger.ts';

const CRASH = "setImmediate(() => { throw new Error('crashed on purpose'); })";

/**
 * Makes the worker of a process that was started last die of an error that nobody catches, as a bug in it would.
 * Resolves when it has been told.
 */
export async function crashWorker(target: DebuggableProcess): Promise<void> {
  const attached = await ThreadDebugger.attach(target);
  const worker = attached.workers.at(-1) ?? '';
  // One that dies may not get to say that it was told.
  const told = attached.worker(worker, 'Runtime.evaluate', { expression: CRASH });
  await Promise.race([told, sleep(5_000)]);
  attached.close();
}
