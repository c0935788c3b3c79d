import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RotationStatus } from '../../src/app/control-plane/authority-rotation.ts';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { type ControlPlaneProcess, controlPlaneProcess } from '../kit/control-plane-process.ts';
import { SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { hauberk } from '../kit/hauberk.ts';
import { echoServer, LOOPBACK, startApp, type TestApp } from '../kit/proxy-pair.ts';
import { type SidecarProcess, sidecarProcess } from '../kit/sidecar-process.ts';
import { type SteadyLoad, steadyLoad } from '../kit/steady-load.ts';

const RATINGS = 'spiffe://cluster.local/ns/shop/sa/ratings';
const PATIENCE_MS = 60_000;
const directory = mkdtempSync(join(tmpdir(), 'hauberk-rotation-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneProcess;
let app: TestApp;
let reviews: SidecarProcess;
let products: SidecarProcess;
let load: SteadyLoad;
let startReviews: () => Promise<SidecarProcess>;

beforeAll(async () => {
  app = await startApp(echoServer());
  const [xdsPort = 0, workload = 0, hboneA = 0, hboneB = 0, outbound = 0] = await freePorts(5);
  plane = await controlPlaneProcess({ group, xdsPort, dataDir: join(directory, 'plane') });
  await plane.apply(SHOP);
  await plane.apply(
    `apiVersion: v1\nkind: Service\nmetadata: { name: reviews, namespace: shop }\nspec: { selector: { app: reviews }, ports: [ { name: tcp, port: 80, targetPort: ${workload} } ] }`,
  );
  const common = { group, plane, directory };
  startReviews = () =>
    sidecarProcess({
      ...{ ...common, name: 'reviews', hbonePort: hboneA },
      args: ['--inbound', `tcp:${LOOPBACK}:${workload}=${LOOPBACK}:${app.address.port}`],
    });
  reviews = await startReviews();
  products = await sidecarProcess({
    ...{ ...common, name: 'products', hbonePort: hboneB },
    args: ['--outbound', `${LOOPBACK}:${outbound}=reviews.shop:80`],
  });
  const address = { host: LOOPBACK, port: outbound };
  await until('a first answer', async () => {
    const first = steadyLoad(address, 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await first.stop();
    return first.failures.length === 0 || undefined;
  });
  load = steadyLoad(address);
});
afterAll(async () => {
  await load?.stop();
  await group.stop();
  await app[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});
/** Whatever was done in a test, no request has failed. */
afterEach(() => {
  expect(load.failures).toEqual([]);
});

async function until<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await read().catch(() => undefined);
    if (value !== undefined) return value;
    if (Date.now() > deadlineMs) {
      throw new Error(`not in time: ${what}; ${JSON.stringify(await plane.status())}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function rotate(...args: readonly string[]): Promise<RotationStatus> {
  const { code, stdout, stderr } = await hauberk([
    ...['ca', 'rotate', ...args, '--data-dir', plane.dataDir, '-o', 'json'],
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as RotationStatus;
}

function steady(): Promise<RotationStatus> {
  return until('the end of the rotation', async () => {
    const status = await plane.status();
    return status.rotation.phase === 'steady' ? status : undefined;
  });
}

/** Steps of the authority in the audit log, oldest first. */
function steps(): string[] {
  return readFileSync(join(plane.dataDir, 'audit.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"event":"authority.'))
    .map((line) => JSON.parse(line) as { event: string; role: string })
    .map(({ event, role }) => `${event.slice('authority.'.length)} ${role}`);
}

/** Requests go on: so many more have been answered since it was called. */
async function moreRequests(): Promise<void> {
  const before = load.requests;
  await until('more requests', async () => load.requests > before + 50 || undefined);
}

async function signersOf(): Promise<string[]> {
  const all = await Promise.all([reviews, products].map((sidecar) => sidecar.status()));
  return all.map(({ identity }) => identity.issuerSerial);
}

describe('a rotation under load', () => {
  it('of the intermediate fails no request, and ends when nobody has a leaf of the old one', async () => {
    const before = await plane.status();
    await rotate('--renew-within', '1s');
    const after = await steady();
    const [slot] = after.slots;
    expect(after.bundle).toEqual(before.bundle);
    expect(slot?.intermediate.serial).not.toBe(before.slots[0]?.intermediate.serial);
    expect(new Set(await signersOf())).toEqual(new Set([slot?.intermediate.serial]));
    expect(steps()).toEqual([
      'prepare intermediate',
      'activate intermediate',
      'retire intermediate',
    ]);
    await moreRequests();
  });

  it('of the root fails no request, and leaves everybody with the new one alone', async () => {
    const before = await plane.status();
    await rotate('--root', '--renew-within', '1s');
    const after = await steady();
    expect(after.bundle.sequence).toBeGreaterThan(before.bundle.sequence + 1);
    expect(after.bundle.roots).toHaveLength(1);
    expect(after.bundle.roots).not.toEqual(before.bundle.roots);
    await until('the agents to forget the old root', async () => {
      const all = await Promise.all([reviews, products].map((sidecar) => sidecar.status()));
      const same = all.every(({ identity }) => identity.roots.join() === after.bundle.roots.join());
      return same || undefined;
    });
    await moreRequests();
  });

  it('of a compromised root re-issues at once, and revokes the old keys', async () => {
    const before = await plane.status();
    await rotate('--root', '--compromised');
    const after = await steady();
    expect(after.bundle.roots).not.toEqual(before.bundle.roots);
    const old = before.slots[0];
    const { stdout } = await hauberk([
      ...['get', 'certificaterevocations', '-o', 'json', '--data-dir', plane.dataDir],
    ]);
    expect(stdout).toContain(old?.root.serial);
    expect(stdout).toContain(old?.intermediate.serial);
    await moreRequests();
  });
});

/** Enrols a further workload, and ends it as a crash would. */
async function deadAgent(): Promise<void> {
  await plane.apply(
    'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: ratings, namespace: shop }',
  );
  const dead = await sidecarProcess({
    ...{ group, plane, directory, name: 'ratings', args: [] },
    hbonePort: (await freePorts(1))[0] ?? 0,
  });
  await until('its entry', async () => {
    const query = ['get', 'workloadentries', '-n', 'shop', '--data-dir', plane.dataDir];
    return (await hauberk(query)).stdout.includes('ratings-1') || undefined;
  });
  await dead.kill();
}

/** Whom a rotation waits for once everybody who is connected has acknowledged. */
function waitedFor(): Promise<string[]> {
  return until('all others to have acknowledged', async () => {
    const { rotation, agents } = await plane.status();
    const all = agents.length === 2 && agents.every(({ acknowledged }) => acknowledged);
    if (rotation.phase !== 'distributing' || !all) return undefined;
    return rotation.waitsFor.map(({ name }) => name);
  });
}

describe('a dead agent', () => {
  it('is waited for until it is waived', async () => {
    await deadAgent();
    await rotate('--root', '--renew-within', '1s');
    expect(await waitedFor()).toEqual(['shop/ratings-1']);
    const { stdout } = await hauberk(['ca', 'status', '--data-dir', plane.dataDir]);
    expect(stdout).toMatch(/acknowledged by 2 of 2 connected agents/);
    expect(stdout).toMatch(/waits for shop\/ratings-1: it is registered and not connected/);
    await moreRequests();
    expect((await plane.status()).rotation.phase).toBe('distributing');
    await rotate('--waive', 'shop/ratings-1', '--waive', RATINGS);
    await steady();
    await moreRequests();
  });
});

describe('a rotation that is given up', () => {
  it('leaves the root that was there, and is on record', async () => {
    await deadAgent();
    const before = await plane.status();
    await rotate('--root', '--renew-within', '1s');
    await waitedFor();
    const after = await rotate('--abort');
    expect(after.rotation.phase).toBe('steady');
    expect(after.bundle.roots).toEqual(before.bundle.roots);
    expect(steps().slice(-2)).toEqual(['prepare root', 'abort root']);
    const late = await hauberk(['ca', 'rotate', '--abort', '--data-dir', plane.dataDir]);
    expect(late).toMatchObject({ code: 1 });
    expect(late.stderr).toContain('no rotation is under way, so there is none to abort');
    await until('the agents to trust that root alone', async () => {
      const all = await Promise.all([reviews, products].map((sidecar) => sidecar.status()));
      return all.every(({ identity }) => identity.roots.length === 1) || undefined;
    });
    await moreRequests();
  });
});

describe('a control plane that is killed', () => {
  it('while it makes a root known goes on with that root', async () => {
    await deadAgent();
    await rotate('--root', '--renew-within', '1s');
    await waitedFor();
    const before = await plane.status();
    await plane.kill();
    await moreRequests();
    await plane.start();
    expect((await plane.status()).bundle).toEqual(before.bundle);
    await waitedFor();
    await rotate('--waive', RATINGS, '--waive', 'shop/ratings-1');
    const after = await steady();
    expect(after.bundle.roots).toEqual([before.bundle.roots[1]]);
    await moreRequests();
  });

  it('while it retires a root goes on, and the agents find it again', async () => {
    const before = await until('the activation', async () => {
      const status = await plane.status();
      // Also when both agents have renewed before anybody looked.
      if (status.rotation.phase === 'steady') await rotate('--root', '--renew-within', '4s');
      return status.rotation.phase === 'retiring' ? status : undefined;
    });
    await plane.kill();
    await moreRequests();
    await plane.start();
    const after = await steady();
    expect(after.bundle.roots).toEqual([before.bundle.roots[0]]);
    await moreRequests();
  });
});
