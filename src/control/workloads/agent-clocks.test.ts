import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { AgentClocks } from './agent-clocks.ts';

const ID = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');
const [text, node] = [ID.toString(), 'shop/reviews-1'];

it('knows what each agent said last, the largest distance first', () => {
  const clocks = new AgentClocks(new ManualClock());
  clocks.report(ID, node, '10');
  clocks.report(ID, 'shop/reviews-2', '-7200000');
  clocks.report(ID, node, '-20');
  expect(clocks.of(text, node)).toMatchObject({ skewMs: -20 });
  expect(clocks.list().map(({ skewMs }) => skewMs)).toEqual([-7_200_000, -20]);
});

it.each(['', 'x', '1e3', '9'.repeat(16), '1.5'])('passes over a skew of "%s"', (skew) => {
  const clocks = new AgentClocks(new ManualClock());
  clocks.report(ID, node, skew);
  expect(clocks.list()).toEqual([]);
});

it('forgets an agent of which nothing was heard for five minutes', async () => {
  const time = new ManualClock();
  const clocks = new AgentClocks(time);
  clocks.report(ID, node, '10');
  await time.advance(300_000);
  expect(clocks.of(text, node)).toBeDefined();
  await time.advance(1);
  expect(clocks.of(text, node)).toBeUndefined();
  expect(clocks.list()).toEqual([]);
});
