import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { upgradeUnderLoad } from '../test/kit/upgrade-under-load.ts';

/**
 * `node bench/upgrades.ts [--upgrades 20] [--workers 1] [--clients 16]`: replaces two sidecars in place again and
 * again while clients open connections as fast as they can. `--workers 2,1,3` gives the workers of successive
 * generations. Exits 1 when a connection failed.
 */
const { values } = parseArgs({
  options: {
    upgrades: { type: 'string', default: '20' },
    workers: { type: 'string', default: '1' },
    clients: { type: 'string', default: '16' },
  },
});
const directory = mkdtempSync(join(tmpdir(), 'hauberk-upgrades-'));
try {
  const { failures, ...rest } = await upgradeUnderLoad({
    directory,
    upgrades: Number(values.upgrades),
    workers: values.workers.split(',').map(Number),
    clients: Number(values.clients),
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify({ ...rest, failed: failures.length })}\n`);
  for (const failure of failures.slice(0, 50)) process.stdout.write(`${failure}\n`);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
