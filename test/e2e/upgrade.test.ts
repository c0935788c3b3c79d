import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { upgradeUnderLoad } from '../kit/upgrade-under-load.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-upgrade-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** `bench/upgrades.ts` does the same as often as one likes. */
it('fails no connection while both sidecars are replaced in place, with more and with fewer workers', async () => {
  const report = await upgradeUnderLoad({
    ...{ directory, upgrades: 3, workers: [1, 2, 1, 1], clients: 6 },
  });
  expect(report.failures.slice(0, 10)).toEqual([]);
  expect(report.generations).toBe(8);
  expect(report.opened).toBeGreaterThan(100);
}, 300_000);
