import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { Snapshots } from './snapshots.ts';

const LIFETIME_MS = 5 * 60_000;

it('keeps a list for five minutes, whatever the wall clock is set to', async () => {
  const clock = new ManualClock();
  const snapshots = new Snapshots(clock);
  const snapshot = { items: [], version: 7 };
  snapshots.keep('pods', snapshot);
  clock.setBy(3_600_000);
  await clock.advance(LIFETIME_MS - 1);
  expect(snapshots.find('pods', 7)).toBe(snapshot);
  clock.setBy(-7_200_000);
  await clock.advance(1);
  expect(snapshots.find('pods', 7)).toBeUndefined();
});

it('keeps 64 lists at most, and lets the oldest go', () => {
  const snapshots = new Snapshots(new ManualClock());
  for (let version = 1; version <= 65; version += 1) {
    snapshots.keep('pods', { items: [], version });
  }
  expect(snapshots.find('pods', 1)).toBeUndefined();
  expect(snapshots.find('pods', 2)).toBeDefined();
  expect(snapshots.find('pods', 65)).toBeDefined();
});
