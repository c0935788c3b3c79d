import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { memoryTrend } from '../kit/memory-trend.ts';
import { soak } from '../kit/soak.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-soak-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** `bench/soak.ts` does the same for as long as one likes. */
it('fails no request while certificates, policies, the control plane and workers come and go', async () => {
  const report = await soak({
    ...{ directory, seconds: 24, connections: 60 },
    ...{ rotateSeconds: 3, flipSeconds: 1 },
  });
  expect(report.failures.slice(0, 10)).toEqual([]);
  expect(report.requests).toBeGreaterThan(500);
  expect(report.flips).toBeGreaterThan(6);
  // The first of each of the two, and several renewals.
  expect(report.certificates).toBeGreaterThan(6);
  expect(report).toMatchObject({ controlPlaneRestarts: 2, workerCrashes: 2 });
  // What the application lost is no more than what the sidecars say that their workers had, but for the newest,
  // which the workers had not told of.
  expect(report.connectionsOfCrashedWorkers).toBeGreaterThan(0);
  expect(report.lostConnections).toBeLessThan(report.connectionsOfCrashedWorkers + 10);
  // The rules flip between the two ways to speak mutual TLS.
  expect(Object.keys(report.transports).toSorted((a, b) => a.localeCompare(b))).toEqual([
    'hbone',
    'istio-mtls',
  ]);
  for (const [early = [], late = []] of Object.values(report.heaps)) {
    expect(late).toHaveLength(3);
    for (const [thread, mb] of late.entries()) expect(mb - (early[thread] ?? 0)).toBeLessThan(15);
  }
  for (const looks of Object.values(report.memory)) {
    const { firstMb, lastMb } = memoryTrend(looks);
    expect(lastMb - firstMb).toBeLessThan(60);
  }
}, 120_000);
