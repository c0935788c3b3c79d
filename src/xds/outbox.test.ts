import { expect, it } from 'vitest';
import { Outbox } from './outbox.ts';

it('is read in order, from before and after the reader came, until its end', async () => {
  const outbox = new Outbox<number>();
  outbox.push(1);
  const read = Array.fromAsync(outbox);
  await Promise.resolve();
  outbox.push(2);
  await Promise.resolve();
  outbox.push(3);
  outbox.end();
  expect(await read).toEqual([1, 2, 3]);
});
