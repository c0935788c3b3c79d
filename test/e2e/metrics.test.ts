import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { readMetrics, sampleOf } from '../kit/check-metrics.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { sidecarProcess } from '../kit/sidecar-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-metrics-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;

beforeAll(async () => {
  const address = { listen: { host: '127.0.0.1', port: 0 }, required: true };
  plane = await controlPlaneRig({ monitoring: { address, version: '1.2.3' } });
  await plane.apply(SHOP);
});
afterAll(async () => {
  await group.stop();
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

async function scrape(url: string) {
  const response = await fetch(url);
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  return readMetrics(await response.text());
}

it('are served by the control plane and by a sidecar, with health and readiness', async () => {
  const [hbonePort = 0, metrics = 0, readiness = 0] = await freePorts(3);
  await sidecarProcess({
    ...{ group, plane, directory, name: 'reviews', hbonePort },
    args: ['--metrics', `127.0.0.1:${metrics}`, '--readiness', `127.0.0.1:${readiness}`],
  });
  const control = `http://${plane.monitoringAt}`;
  const ofControl = await scrape(`${control}/metrics`);
  expect(ofControl.filter(({ name }) => name === 'hauberk_ca_certificates_issued_total')).toEqual([
    expect.objectContaining({ value: 1 }),
  ]);
  expect(sampleOf(ofControl, 'hauberk_discovery_streams')).toBe(1);
  expect(sampleOf(ofControl, 'hauberk_build_info', { version: '1.2.3' })).toBe(1);
  const role = { role: 'intermediate' };
  expect(
    sampleOf(ofControl, 'hauberk_ca_certificate_expiry_timestamp_seconds', role),
  ).toBeGreaterThan(Date.now() / 1_000);
  for (const path of ['/healthz', '/ready']) expect((await fetch(control + path)).status).toBe(200);

  const ofSidecar = await scrape(`http://127.0.0.1:${metrics}/stats/prometheus`);
  expect(sampleOf(ofSidecar, 'hauberk_enrolments_total')).toBe(1);
  expect(sampleOf(ofSidecar, 'hauberk_certificate_expiry_timestamp_seconds')).toBeGreaterThan(
    Date.now() / 1_000,
  );
  const ready = await fetch(`http://127.0.0.1:${readiness}/healthz/ready`);
  expect({ status: ready.status, text: await ready.text() }).toEqual({
    status: 200,
    text: 'ready\n',
  });
});

it('are given up where only the default port is taken, and said so', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const listen = { host: '127.0.0.1', port };
  const wish = (required: boolean) => ({
    monitoring: { address: { listen, required }, version: '1.2.3' },
  });
  const other = await controlPlaneRig(wish(false));
  expect(other).toMatchObject({
    ...{ monitoringAt: undefined },
    monitoringProblem: expect.stringContaining(`cannot listen on 127.0.0.1:${port}`),
  });
  await other.close();
  await expect(controlPlaneRig(wish(true))).rejects.toMatchObject({ code: 'ERR_LISTEN' });
  taken.close();
});
