import { expect, it } from 'vitest';
import { DenialQueue } from './denial-queue.ts';

const denial = (requestId: string, path = '/') => ({
  ...{ requestId, path, principal: 'td/ns/a/sa/b', sourceIp: '10.0.0.1', port: 80 },
  ...{ method: 'GET', host: 'a', status: 403, decision: 'x', atMs: 1 },
});
const idsOf = (denials: readonly { readonly requestId: string }[]) =>
  denials.map(({ requestId }) => requestId);

it('gives each denial once, oldest first, and takes back what could not be told', () => {
  const queue = new DenialQueue();
  for (const id of ['a', 'b', 'c']) queue.add(denial(id));
  const taken = queue.take(2);
  expect(idsOf(taken)).toEqual(['a', 'b']);
  queue.putBack(taken);
  expect(idsOf(queue.take(10))).toEqual(['a', 'b', 'c']);
  expect(queue.take(10)).toEqual([]);
});

it('keeps the newest within its bounds, and texts within theirs', () => {
  const queue = new DenialQueue();
  for (let i = 0; i < 3_000; i += 1) queue.add(denial(`${i}`, `/${'x'.repeat(5_000)}`));
  const [first, ...others] = queue.take(10_000);
  expect(first).toMatchObject({ requestId: `${3_000 - 1_024}` });
  expect(first?.path).toHaveLength(1_024);
  expect(others).toHaveLength(1_023);
  queue.putBack([denial('late'), ...others]);
  for (let i = 0; i < 10; i += 1) queue.add(denial(`new-${i}`));
  expect(idsOf(queue.take(10_000))).not.toContain('late');
});
