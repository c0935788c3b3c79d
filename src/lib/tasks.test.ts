import { expect, it } from 'vitest';
import { runTasks, type Task } from './tasks.ts';

const untilAborted: Task = (signal) =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

it('stops the siblings of a task that fails and throws what it threw', async () => {
  let siblingEnded = false;
  const sibling: Task = async (signal) => {
    await untilAborted(signal);
    siblingEnded = true;
  };
  const failing: Task = async () => {
    throw new Error('first');
  };
  await expect(runTasks(new AbortController().signal, [sibling, failing])).rejects.toThrow('first');
  expect(siblingEnded).toBe(true);
});

it('ends when the parent aborts', async () => {
  const controller = new AbortController();
  const run = runTasks(controller.signal, [untilAborted, untilAborted]);
  controller.abort();
  await expect(run).resolves.toBeUndefined();
});

it('does not stop the others when one ends early', async () => {
  const controller = new AbortController();
  let ended = false;
  const run = runTasks(controller.signal, [async () => undefined, untilAborted]).then(() => {
    ended = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toBe(false);
  controller.abort();
  await run;
});
