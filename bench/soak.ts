import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { memoryTrend } from '../test/kit/memory-trend.ts';
import { soak } from '../test/kit/soak.ts';
import { linePlot } from './line-plot.ts';

const SETTLED_SECONDS = 600;

/**
 * `node bench/soak.ts [--seconds 1200] [--connections 500] [--rotate 10] [--flip 5] [--plot FILE]`: a
 * mesh of processes under load while certificates are renewed, policies flip, the control plane is
 * stopped and killed, and workers crash. Exits 1 when a request failed, or when the memory of a process
 * grew in a run of ten minutes or more: before, caches still fill.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1200' },
    connections: { type: 'string', default: '500' },
    rotate: { type: 'string', default: '10' },
    flip: { type: 'string', default: '5' },
    plot: { type: 'string' },
  },
});
const directory = mkdtempSync(join(tmpdir(), 'hauberk-soak-'));
try {
  const report = await soak({
    directory,
    seconds: Number(values.seconds),
    connections: Number(values.connections),
    rotateSeconds: Number(values.rotate),
    flipSeconds: Number(values.flip),
    progress: (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`),
  });
  const { failures, memory, ...rest } = report;
  const trends = Object.entries(memory).map(([name, looks]) => [name, memoryTrend(looks)] as const);
  const summary = { ...rest, failed: failures.length, memory: Object.fromEntries(trends) };
  process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`);
  for (const failure of failures.slice(0, 50)) process.stdout.write(`${failure}\n`);
  const grew = trends.filter(([, { flat }]) => !flat).map(([name]) => name);
  const isSettled = Number(values.seconds) >= SETTLED_SECONDS;
  if (isSettled && grew.length > 0) process.stdout.write(`memory grew: ${grew.join(', ')}\n`);
  if (failures.length > 0 || (isSettled && grew.length > 0)) process.exitCode = 1;
  if (values.plot !== undefined) {
    const svg = linePlot({
      title: `RSS in MB: ${values.connections} connections, certificates renewed every ${values.rotate} s`,
      xLabel: 'minutes',
      series: Object.entries(memory).map(([name, looks]) => ({
        name,
        points: looks.map(({ seconds, mb }) => [seconds / 60, mb] as const),
      })),
    });
    writeFileSync(values.plot, svg);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
