import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { renewalOf } from '../src/agent/identity/renewal-schedule.ts';
import { linePlot } from './line-plot.ts';

/**
 * When the agents of a fleet renew, if all of them were started within a minute: simulated with the
 * schedule that agents use and no network, as renewals a minute over the following days.
 */
const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '10000' },
    hours: { type: 'string', default: '24' },
    days: { type: 'string', default: '4' },
    plot: { type: 'string', default: 'bench/plots/renewal-spread.svg' },
  },
});
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const agents = Number(values.agents);
const lifetimeMs = Number(values.hours) * HOUR_MS;
const endMs = Number(values.days) * 24 * HOUR_MS;

/** Renewals by minute. `move` turns the schedule's own time into another one, to compare. */
function simulate(move: (atMs: number, issuedAtMs: number) => number): number[] {
  const minutes = new Array<number>(Math.ceil(endMs / MINUTE_MS)).fill(0);
  for (let agent = 0; agent < agents; agent++) {
    let atMs = Math.random() * MINUTE_MS;
    for (;;) {
      atMs = move(nextMs(atMs), atMs);
      if (atMs >= endMs) break;
      const minute = Math.floor(atMs / MINUTE_MS);
      minutes[minute] = (minutes[minute] ?? 0) + 1;
    }
  }
  return minutes;
}

function nextMs(issuedAtMs: number): number {
  return renewalOf({ issuedAtMs, notAfterMs: issuedAtMs + lifetimeMs }, Math.random);
}

const HALF = 0.5;
const ISTIO_JITTER = 0.01;
const series = {
  'Hauberk, 5 % either way': simulate((atMs) => atMs),
  "Istio's 1 % either way": simulate(
    (_, fromMs) => fromMs + lifetimeMs * (HALF + (Math.random() * 2 - 1) * ISTIO_JITTER),
  ),
  'no jitter': simulate((_, fromMs) => fromMs + lifetimeMs * HALF),
};

console.log(`${agents} agents started within a minute, certificates of ${values.hours} h\n`);
const generationMinutes = (lifetimeMs * HALF) / MINUTE_MS;
for (const [name, minutes] of Object.entries(series)) {
  const peaks: string[] = [];
  for (let from = generationMinutes / 2; from < minutes.length; from += generationMinutes) {
    const part = minutes.slice(from, from + generationMinutes);
    if (part.length === generationMinutes) peaks.push(Math.max(...part).toLocaleString('en'));
  }
  console.log(`${name}: busiest minute of each generation ${peaks.join(', ')}`);
}
writeFileSync(
  values.plot,
  linePlot({
    title: `Renewals a minute of ${agents.toLocaleString('en')} agents started within one minute, SVIDs of ${values.hours} h`,
    xLabel: 'hours after the start',
    series: Object.entries(series).map(([name, minutes]) => ({
      name,
      points: minutes.map((value, minute) => [minute / 60, value] as const),
    })),
  }),
);
console.log(`\nplot: ${values.plot}`);
