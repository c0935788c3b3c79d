import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { growthMb, soak } from '../test/kit/soak.ts';

/**
 * `node bench/soak.ts [--seconds 1200] [--connections 500] [--rotate 10] [--flip 5]`: a mesh of
 * processes under load while certificates are renewed, policies flip and the control plane is killed.
 * Exits 1 when a request failed.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1200' },
    connections: { type: 'string', default: '500' },
    rotate: { type: 'string', default: '10' },
    flip: { type: 'string', default: '5' },
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
  const growth = Object.entries(report.rssMb).map(([name, rss]) => [
    name,
    { first: rss[0], last: rss.at(-1), most: Math.max(...rss), growthMb: growthMb(rss) },
  ]);
  const { failures, rssMb: _, ...rest } = report;
  const summary = { ...rest, failed: failures.length, rss: Object.fromEntries(growth) };
  process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`);
  for (const failure of failures.slice(0, 50)) process.stdout.write(`${failure}\n`);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
