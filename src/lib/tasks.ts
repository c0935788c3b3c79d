/** Work that goes on until its signal aborts. Resolving early is allowed; throwing stops its siblings. */
export type Task = (signal: AbortSignal) => Promise<void>;

/**
 * Runs all tasks under one signal and resolves when every one has ended. The first that throws
 * aborts the others; its error is thrown after they have ended.
 */
export async function runTasks(parent: AbortSignal, tasks: readonly Task[]): Promise<void> {
  const controller = new AbortController();
  const signal = AbortSignal.any([parent, controller.signal]);
  const failures: unknown[] = [];
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await task(signal);
      } catch (error) {
        failures.push(error);
        controller.abort(error);
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
}
