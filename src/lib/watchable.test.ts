import { expect, it } from 'vitest';
import { WatchableValue } from './watchable.ts';

it('tells its listeners of each swap in order of subscription, with what was before', () => {
  const value = new WatchableValue(1);
  const heard: string[] = [];
  value.subscribe((next, previous) => heard.push(`a ${previous}->${next}`));
  value.subscribe((next, previous) => heard.push(`b ${previous}->${next}`));
  value.set(2);
  expect(heard).toEqual(['a 1->2', 'b 1->2']);
  expect(value.current).toBe(2);
});

it('does not call for the present value and not after the subscription ended', () => {
  const value = new WatchableValue('old');
  const heard: string[] = [];
  const stop = value.subscribe((next) => heard.push(next));
  expect(heard).toEqual([]);
  stop();
  value.set('new');
  expect(heard).toEqual([]);
});

it('lets a listener leave while it is being told', () => {
  const value = new WatchableValue(0);
  const heard: number[] = [];
  const stop = value.subscribe((next) => {
    heard.push(next);
    stop();
  });
  value.subscribe((next) => heard.push(next * 10));
  value.set(1);
  value.set(2);
  expect(heard).toEqual([1, 10, 20]);
});
