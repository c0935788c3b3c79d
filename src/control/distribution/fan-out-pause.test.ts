import { expect, it } from 'vitest';
import { fanOutPauseMs } from './fan-out-pause.ts';

it.each([
  [0, 0],
  [3, 0],
  [39, 0],
  [100, 50],
  [2_000, 1_000],
  [20_000, 1_000],
])('lets %d agents gather changes for %d ms', (agents, pauseMs) => {
  expect(fanOutPauseMs(agents)).toBe(pauseMs);
});
