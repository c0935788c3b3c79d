import { expect, it } from 'vitest';
import { Latch } from './latch.ts';

it('lets a wait go on that began before', async () => {
  const latch = new Latch();
  const waiting = latch.wait();
  latch.raise();
  await waiting;
});

it('remembers being raised, once', async () => {
  const latch = new Latch();
  latch.raise();
  latch.raise();
  await latch.wait();
  let again = false;
  const second = latch.wait().then(() => {
    again = true;
  });
  await Promise.resolve();
  expect(again).toBe(false);
  latch.raise();
  await second;
});
