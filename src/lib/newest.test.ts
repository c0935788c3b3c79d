import { expect, it } from 'vitest';
import { newest } from './newest.ts';
import { WatchableValue } from './watchable.ts';

it('gives the present value at once, then each newer one, skipping those in between', async () => {
  const source = new WatchableValue(1);
  const values = newest(source, new AbortController().signal);
  expect((await values.next()).value).toBe(1);
  source.set(2);
  source.set(3);
  expect((await values.next()).value).toBe(3);
  const waiting = values.next();
  source.set(4);
  expect((await waiting).value).toBe(4);
});

it('ends when its signal aborts, also while it waits', async () => {
  const aborting = new AbortController();
  const values = newest(new WatchableValue(1), aborting.signal);
  await values.next();
  const waiting = values.next();
  aborting.abort();
  expect(await waiting).toEqual({ done: true, value: undefined });
});

it('gives nothing when its signal has aborted before', async () => {
  const values = newest(new WatchableValue(1), AbortSignal.abort());
  expect((await values.next()).done).toBe(true);
});
