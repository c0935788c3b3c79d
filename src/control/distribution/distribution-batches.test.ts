import { expect, it } from 'vitest';
import { inBatches } from './distribution-batches.ts';

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

it('gathers what comes in one turn', async () => {
  async function* source(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    await turn();
    yield 3;
  }
  expect(await Array.fromAsync(inBatches(source(), 10))).toEqual([[1, 2], [3]]);
});

it('makes no batch larger than it may be', async () => {
  async function* source(): AsyncGenerator<number> {
    for (let item = 1; item <= 5; item++) yield item;
  }
  expect(await Array.fromAsync(inBatches(source(), 2))).toEqual([[1, 2], [3, 4], [5]]);
});

it('hands out what came before a failure, then the failure', async () => {
  async function* source(): AsyncGenerator<number> {
    yield 1;
    throw new Error('the log was cut');
  }
  const batches = inBatches(source(), 10);
  expect(await batches.next()).toEqual({ done: false, value: [1] });
  await turn();
  await expect(batches.next()).rejects.toThrow('the log was cut');
});

it('ends with an empty source', async () => {
  async function* source(): AsyncGenerator<number> {
    yield* [];
  }
  expect(await Array.fromAsync(inBatches(source(), 10))).toEqual([]);
});
