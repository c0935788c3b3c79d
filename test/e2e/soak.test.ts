import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { growthMb, soak } from '../kit/soak.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-soak-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** `bench/soak.ts` does the same for as long as one likes. */
it('fails no request while certificates, policies and the control plane come and go', async () => {
  const report = await soak({
    ...{ directory, seconds: 24, connections: 60 },
    ...{ rotateSeconds: 3, flipSeconds: 1 },
  });
  expect(report.failures.slice(0, 10)).toEqual([]);
  expect(report.requests).toBeGreaterThan(500);
  expect(report.flips).toBeGreaterThan(6);
  // the first of each of the two, and several renewals
  expect(report.certificates).toBeGreaterThan(6);
  expect(report.controlPlaneRestarts).toBe(1);
  // the rules flip between the two ways to speak mutual TLS
  expect(Object.keys(report.transports).toSorted((a, b) => a.localeCompare(b))).toEqual([
    'hbone',
    'istio-mtls',
  ]);
  for (const values of Object.values(report.rssMb)) expect(growthMb(values)).toBeLessThan(40);
}, 120_000);
