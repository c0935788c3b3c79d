import { allMetrics } from './metrics.ts';
import type { Sample } from './samples.ts';

/** What was just measured, in one line: `round 1 nginx: requests, 32 connections 24,801 /s, …`. */
export function progressLine(samples: readonly Sample[], noise: number | undefined): string {
  const [first] = samples;
  if (first === undefined) return '';
  const numbers = samples.map(({ metric, value }) => {
    const { unit = '', digits = 0 } = allMetrics.find(({ name }) => name === metric) ?? {};
    return `${metric} ${value.toFixed(digits)} ${unit}`;
  });
  const problem = first.problem === undefined ? '' : ` FAILED: ${first.problem}`;
  const others = noise === undefined ? '' : ` (others: ${noise.toFixed(2)} cores)`;
  return `round ${first.round} ${first.pair}: ${numbers.join('; ')}${others}${problem}`;
}
