import { expect, it } from 'vitest';
import { defaultRetention, nextFloor } from './retention.ts';

const tiny = { events: 10, versionsPerObject: 1 };

it.each([
  [0, 10, tiny, 0],
  [0, 11, tiny, 0],
  [0, 12, tiny, 2],
  [2, 13, tiny, 2],
  [2, 14, tiny, 4],
  [0, 500, tiny, 490],
  [0, 1, { events: 1, versionsPerObject: 1 }, 0],
  [0, 3, { events: 1, versionsPerObject: 1 }, 2],
  [0, 11_000, defaultRetention, 0],
  [0, 11_001, defaultRetention, 1_001],
])('a log after %d to %d with %o begins after %d', (floor, version, retention, expected) => {
  expect(nextFloor(floor, version, retention)).toBe(expected);
});
