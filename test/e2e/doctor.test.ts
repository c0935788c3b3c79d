import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import type { Diagnosis, Finding } from '../../src/app/doctor/finding.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { hauberk } from '../kit/hauberk.ts';
import { sidecarProcess } from '../kit/sidecar-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-doctor-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});
afterAll(async () => {
  await group.stop();
  rmSync(directory, { recursive: true, force: true });
  rmSync(plane.dataDir, { recursive: true, force: true });
});

async function examined(...args: readonly string[]): Promise<{ code: number } & Diagnosis> {
  const { code, stdout, stderr } = await hauberk(['doctor', '-o', 'json', ...args]);
  expect(stderr).toBe('');
  return { code, ...(JSON.parse(stdout) as Diagnosis) };
}

function of(findings: readonly Finding[], check: string): Finding | undefined {
  return findings.find((finding) => finding.check === check);
}

it('finds a mesh healthy, and says what is wrong when it is not', async () => {
  const [hbonePort = 0] = await freePorts(1);
  const sidecar = await sidecarProcess({
    ...{ group, plane, directory, name: 'reviews', hbonePort },
    args: ['--metrics', 'off', '--readiness', 'off'],
  });
  const stateDir = join(directory, 'reviews');
  const well = await examined('--data-dir', plane.dataDir);
  expect(well.findings.filter(({ level }) => level === 'problem')).toEqual([]);
  expect(well).toMatchObject({ code: 0, healthy: true });
  expect(of(well.findings, 'ports')?.evidence).toMatch(/^serves [0-9a-f]+$/);
  expect(of(well.findings, 'sidecars')?.what).toBe('1 sidecars are connected');
  const ofSidecar = await examined('--sidecar', stateDir);
  expect(ofSidecar).toMatchObject({ code: 0, healthy: true });
  expect(of(ofSidecar.findings, 'control-plane')?.level).toBe('ok');

  // The rig's root lives for ten years.
  const strict = await examined('--data-dir', plane.dataDir, '--fail-within', '4000d');
  expect(strict.code).toBe(1);
  chmodSync(plane.dataDir, 0o755);
  const open = await examined('--data-dir', plane.dataDir);
  expect(open.code).toBe(1);
  expect(of(open.findings, 'permissions')).toMatchObject({ level: 'problem' });
  chmodSync(plane.dataDir, 0o700);

  await plane.stop();
  const gone = await examined('--data-dir', plane.dataDir);
  expect(gone.code).toBe(3);
  expect(of(gone.findings, 'reachable')).toMatchObject({
    ...{ level: 'unknown', evidence: expect.stringContaining('no control plane answers') },
  });
  await expect
    .poll(
      async () => of((await examined('--sidecar', stateDir)).findings, 'control-plane')?.level,
      {
        timeout: 60_000,
      },
    )
    .toBe('problem');
  await sidecar.kill();
  expect((await examined('--sidecar', stateDir)).code).toBe(3);
});

it('prints for people what, evidence and what to do', async () => {
  const { code, stdout } = await hauberk(['doctor', '--data-dir', join(directory, 'nowhere')]);
  expect(code).toBe(3);
  expect(stdout).toMatch(/unknown +reachable: nobody answers \(no control plane runs on/);
  expect(stdout).toContain('           -> ');
});
