import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClockComparison } from '../../src/agent/identity/clock-skew.ts';
import { obtainSvid } from '../../src/agent/identity/obtain-svid.ts';
import { controlPlaneLink } from '../../src/agent/link/control-plane-link.ts';
import { Heartbeat } from '../../src/agent/link/heartbeat.ts';
import { callAdmin } from '../../src/app/admin-client.ts';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { generateKeyPair } from '../../src/x509/key-pair.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { enrolled } from '../kit/enrolled.ts';
import { eventually } from '../kit/eventually.ts';
import { freePorts } from '../kit/free-ports.ts';
import { sidecarProcess } from '../kit/sidecar-process.ts';

const HOUR_MS = 3_600_000;
const { signal } = new AbortController();
const directory = mkdtempSync(join(tmpdir(), 'hauberk-clock-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});
afterAll(async () => {
  await group.stop();
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

const address = () => ({ host: '127.0.0.1', port: plane.xdsPort });

function clockOff(byMs: number): Clock {
  return { ...systemClock, now: () => Date.now() + byMs };
}

async function until<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
  const deadlineMs = Date.now() + 60_000;
  for (;;) {
    const value = await read().catch(() => undefined);
    if (value !== undefined) return value;
    if (Date.now() > deadlineMs) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function enrolWith(clock: Clock, comparison: ClockComparison): Promise<unknown> {
  const token = await plane.createToken('shop', 'reviews');
  const obtain = obtainSvid({
    ...{ address: address(), rootNamespace: 'istio-system', token, clock, comparison },
  });
  return obtain(undefined, generateKeyPair(), signal);
}

describe('at enrolment', () => {
  it('the clocks are compared', async () => {
    const comparison = new ClockComparison();
    await enrolWith(clockOff(60_000), comparison);
    const { skewMs = 0, uncertaintyMs = 0 } = comparison.skew.current ?? {};
    expect(Math.abs(skewMs - 60_000)).toBeLessThanOrEqual(uncertaintyMs + 1);
    expect(comparison.note(Date.now())).toMatch(/(59s|1m\d*s?) ahead/);
  });

  it.each([
    [
      -5 * HOUR_MS,
      /is not yet valid.*the clock here says.*at least 4h\d+m behind that of the control/,
    ],
    [48 * HOUR_MS, /expired.*the clock here says.*at least 1d ahead of that of the control plane/],
  ])('a clock that is off by %i ms is blamed, with both clocks', async (byMs, message) => {
    await expect(enrolWith(clockOff(byMs), new ClockComparison())).rejects.toThrow(message);
  });
});

it('a heartbeat compares the clocks and tells the control plane', async () => {
  const { identity } = await enrolled(plane, 'reviews');
  const comparison = new ClockComparison();
  const clock = clockOff(-2 * HOUR_MS);
  const heartbeat = new Heartbeat({ clock, comparison, node: () => 'shop/probe', intervalMs: 20 });
  const link = controlPlaneLink({
    ...{ address: address(), bundle: identity.bundle, identity, rootNamespace: 'istio-system' },
  });
  const stop = new AbortController();
  const running = heartbeat.run(stop.signal);
  heartbeat.use(link.transport);
  await eventually('a comparison', () => (comparison.skew.current?.skewMs ?? 0) < -7_100_000);
  stop.abort();
  await running;
  link.close();
});

it('is shown by the sidecar, and for it by the control plane', async () => {
  const [hbonePort = 0] = await freePorts(1);
  const sidecar = await sidecarProcess({
    ...{ group, plane, directory, name: 'products', hbonePort, args: [] },
  });
  const compared = async () => {
    const { clock } = await sidecar.status();
    return clock.skewMs === undefined ? undefined : clock;
  };
  const clock = await until('a comparison by the sidecar', compared);
  expect(clock).toMatchObject({ jumps: 0 });
  expect(Math.abs(clock.skewMs ?? Number.NaN)).toBeLessThan(5_000);
  const { agents } = await callAdmin<{ agents: { id: string }[] }>(plane.dataDir, {
    ...{ method: 'GET', path: '/v1/status' },
  });
  expect(agents.map(({ id }) => id)).toContain('spiffe://cluster.local/ns/shop/sa/products');
});
