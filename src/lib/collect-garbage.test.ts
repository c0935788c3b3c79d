import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { collectGarbage } from './collect-garbage.ts';

it('collects what nobody holds any more', async () => {
  const held = new WeakRef({ name: 'held by nobody' });
  // What was looked at lives to the end of this turn.
  await new Promise(setImmediate);
  collectGarbage();
  expect(held.deref()).toBeUndefined();
});

it('collects in every thread, however many do so at the same moment', async () => {
  const module = new URL('./collect-garbage.ts', import.meta.url).href;
  const script = `
    import { parentPort } from 'node:worker_threads';
    import { collectGarbage } from ${JSON.stringify(module)};
    let kept = 0;
    for (let time = 0; time < 30; time++) {
      const held = new WeakRef({ time });
      await new Promise(setImmediate);
      collectGarbage();
      if (held.deref() !== undefined) kept++;
    }
    parentPort.postMessage(kept);`;
  const source = new URL(`data:text/javascript,${encodeURIComponent(script)}`);
  const threads = [1, 2, 3, 4].map(() => new Worker(source));
  const kept = await Promise.all(threads.map(async (thread) => (await once(thread, 'message'))[0]));
  await Promise.all(threads.map((thread) => thread.terminate()));
  expect(kept).toEqual([0, 0, 0, 0]);
}, 60_000);
