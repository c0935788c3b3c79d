import { runTasks, type Task } from './tasks.ts';

/**
 * Runs `tasks` as `runTasks` does, and beside them `last`, which is told to end only when every one of them has
 * ended. Resolves when it has ended too; a task's error is thrown then. Should `last` throw, `tasks` are ended.
 */
export async function runUntilLast(
  stop: AbortSignal,
  tasks: readonly Task[],
  last: Task,
): Promise<void> {
  const ending = new AbortController();
  const failed = new AbortController();
  const running = last(ending.signal).catch((error: unknown) => failed.abort(error));
  try {
    await runTasks(AbortSignal.any([stop, failed.signal]), tasks);
  } finally {
    ending.abort();
    await running;
  }
  failed.signal.throwIfAborted();
}
