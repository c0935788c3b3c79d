import { expect, it } from 'vitest';
import { RecentDenials } from './recent-denials.ts';

const denial = (requestId: string, workload = 'a', atMs = 1) => ({
  ...{ requestId, workload, atMs, namespace: 'shop', path: '/', principal: '' },
  ...{ sourceIp: '10.0.0.1', port: 80, method: 'GET', host: 'a', status: 403, decision: 'x' },
});

it('finds denials by their ids, newest first', () => {
  const denials = new RecentDenials();
  denials.add(denial('x', 'a', 1));
  denials.add(denial('y', 'a', 2));
  denials.add(denial('x', 'b', 3));
  expect(denials.withId('x').map(({ workload }) => workload)).toEqual(['b', 'a']);
  expect(denials.withId('z')).toEqual([]);
});

it('forgets the oldest of a workload that has many, and none of another', () => {
  const denials = new RecentDenials();
  denials.add(denial('quiet', 'b'));
  for (let i = 0; i < 5_000; i += 1) denials.add(denial(`${i}`));
  expect(denials.withId('quiet')).toHaveLength(1);
  expect(denials.withId('2999')).toEqual([]);
  expect(denials.withId('3000')).toHaveLength(1);
});

it('forgets those of the workload that was heard of longest ago when there are too many', () => {
  const denials = new RecentDenials();
  denials.add(denial('first', 'first'));
  for (let i = 0; i < 20_000; i += 1) denials.add(denial(`${i}`, `w${i % 50}`));
  expect(denials.withId('first')).toEqual([]);
  expect(denials.withId('19999')).toHaveLength(1);
});
