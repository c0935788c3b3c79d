import { expect, it } from 'vitest';
import { runUntilLast } from './run-until-last.ts';
import type { Task } from './tasks.ts';

const order: string[] = [];

/** Ends some turns of the loop after it was told to, and says so. */
function slowTask(name: string, turns: number): Task {
  return async (signal) => {
    await aborted(signal);
    order.push(`${name} told`);
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    order.push(`${name} ended`);
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

it('tells the last only when all the others have ended', async () => {
  order.length = 0;
  const stop = new AbortController();
  const running = runUntilLast(
    stop.signal,
    [slowTask('ports', 5), slowTask('metrics', 2)],
    slowTask('socket', 0),
  );
  stop.abort();
  await running;
  expect(order).toEqual([
    'ports told',
    'metrics told',
    'metrics ended',
    'ports ended',
    'socket told',
    'socket ended',
  ]);
});

it('throws what one of the others threw, after the last has ended', async () => {
  order.length = 0;
  const broken = async (): Promise<void> => {
    throw new Error('no such port');
  };
  const { signal } = new AbortController();
  const running = runUntilLast(signal, [broken, slowTask('metrics', 2)], slowTask('socket', 3));
  await expect(running).rejects.toThrow('no such port');
  expect(order).toEqual(['metrics told', 'metrics ended', 'socket told', 'socket ended']);
});

it('ends the others when the last throws, and throws that', async () => {
  order.length = 0;
  const broken = async (): Promise<void> => {
    throw new Error('no such socket');
  };
  const running = runUntilLast(new AbortController().signal, [slowTask('ports', 2)], broken);
  await expect(running).rejects.toThrow('no such socket');
  expect(order).toEqual(['ports told', 'ports ended']);
});
