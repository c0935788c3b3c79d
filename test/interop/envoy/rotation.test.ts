import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { callAdmin } from '../../../src/app/admin-client.ts';
import type { RotationStatus } from '../../../src/app/control-plane/authority-rotation.ts';
import { ProcessGroup } from '../../../src/app/demo/process-group.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../../kit/control-plane-rig.ts';
import { Envoy } from '../../kit/envoy.ts';
import { eventually } from '../../kit/eventually.ts';
import { freePorts } from '../../kit/free-ports.ts';
import { peer } from '../../kit/peer.ts';
import { CLIENT_ID, echoServer, SERVER_ID, startApp, type TestApp } from '../../kit/proxy-pair.ts';
import { type SidecarProcess, sidecarProcess } from '../../kit/sidecar-process.ts';
import { steadyLoad } from '../../kit/steady-load.ts';

const PATIENCE_MS = 60_000;
let directory: string;
let group: ProcessGroup;
let plane: ControlPlaneRig;
let app: TestApp;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-envoy-rotation-'));
  group = new ProcessGroup(directory);
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
  app = await startApp(echoServer());
});
afterEach(async () => {
  await group.stop();
  await plane.close();
  await app[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

async function sidecar(name: string): Promise<SidecarProcess> {
  const [hbonePort = 0] = await freePorts(1);
  return sidecarProcess({ group, plane, directory, name, hbonePort, args: [] });
}

async function envoyBeside(
  beside: SidecarProcess,
  options: Pick<Parameters<typeof Envoy.start>[0], 'binary' | 'egress' | 'ingress'>,
): Promise<Envoy> {
  const { spiffeSocket } = await beside.status();
  return Envoy.start({ ...options, sdsPath: spiffeSocket.path });
}

async function order(body: object): Promise<void> {
  await callAdmin(plane.dataDir, { method: 'POST', path: '/v1/ca/rotate', body });
}

/** Rotates, and waits until it is done. */
async function rotate(what: object): Promise<RotationStatus> {
  await order({ renewWithin: '1s', ...what });
  return status('its end', ({ rotation }) => rotation.phase === 'steady');
}

async function status(
  what: string,
  isThere: (status: RotationStatus) => boolean,
): Promise<RotationStatus> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const call = { method: 'GET', path: '/v1/ca/status' } as const;
    const now = await callAdmin<RotationStatus>(plane.dataDir, call);
    if (isThere(now)) return now;
    if (Date.now() > deadlineMs) throw new Error(`not in time: ${what}: ${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

peer('envoy-1.40', (binary) => {
  it('serves without a failed request through every kind of rotation, fed by our SDS', async () => {
    await using stack = new AsyncDisposableStack();
    const [reviews, products] = [await sidecar('reviews'), await sidecar('products')];
    const to = stack.use(
      await envoyBeside(reviews, { binary, ingress: { to: app.address, trust: CLIENT_ID } }),
    );
    const egress = { to: to.address('ingress'), trust: SERVER_ID };
    const from = stack.use(await envoyBeside(products, { binary, egress }));
    const load = steadyLoad(from.address('egress'), 2);
    const before = await rotate({ role: 'intermediate' });
    const after = await rotate({ role: 'root' });
    expect(after.bundle.roots).not.toEqual(before.bundle.roots);
    const last = await rotate({ role: 'root', compromised: true });
    expect(last.bundle.roots).not.toEqual(after.bundle.roots);
    // The agents are told of the last bundle when the rotation has ended.
    await eventually('the agent trusts the last root alone', async () => {
      const { identity } = await reviews.status();
      return identity.roots.join() === last.bundle.roots.join();
    });
    const { requests } = load;
    await eventually('more requests', () => load.requests > requests + 20);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(await to.counter(/ssl_context_update_by_sds$/)).toBeGreaterThan(3);
  });

  it('is waited for while it hangs, and the rotation goes on when it acknowledges', async () => {
    await using stack = new AsyncDisposableStack();
    const reviews = await sidecar('reviews');
    const to = stack.use(
      await envoyBeside(reviews, { binary, ingress: { to: app.address, trust: CLIENT_ID } }),
    );
    to.signal('SIGSTOP');
    await order({ role: 'root', renewWithin: '1s' });
    // The agent tells of its clients before it acknowledges the bundle itself, or after.
    const waiting = await status('that it alone is waited for', ({ rotation, agents }) => {
      if (rotation.phase !== 'distributing' || !agents.every((agent) => agent.acknowledged))
        return false;
      return rotation.waitsFor.some(({ behind }) => behind !== undefined);
    });
    expect(waiting.agents).toHaveLength(1);
    expect(waiting.rotation).toMatchObject({
      waitsFor: [{ name: 'shop/reviews-1/envoy-of-a-test', behind: 'shop/reviews-1' }],
    });
    to.signal('SIGCONT');
    await status('its end', ({ rotation }) => rotation.phase === 'steady');
  });
});
