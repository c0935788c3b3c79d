import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { until } from '../../src/app/demo/until.ts';
import type { Address } from '../../src/proxy/address.ts';
import { readMetrics, sampleOf } from '../kit/check-metrics.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { hauberk } from '../kit/hauberk.ts';
import { ask, dial, echoServer, startApp, type TestApp } from '../kit/proxy-pair.ts';
import { type SidecarProcess, sidecarProcess } from '../kit/sidecar-process.ts';

const MESH = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec:
  selector: { app: reviews }
  ports: [{ name: tcp, port: 80, targetPort: tcp }]
---
apiVersion: security.hauberk.dev/v1alpha1
kind: FallbackPolicy
metadata: { name: mesh, namespace: istio-system }
spec: { mode: KeepLast, keepFor: 6h }
`;

const directory = mkdtempSync(join(tmpdir(), 'hauberk-fallback-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;
let app: TestApp;
let caller: SidecarProcess;
let outbound: Address;
let metrics: number;

beforeAll(async () => {
  plane = await controlPlaneRig({ svidLifetimeMs: 4_000 });
  await plane.apply(`${SHOP}---${MESH}`);
  app = await startApp(echoServer());
  const [inbound = 0, out = 0, hboneIn = 0, hboneOut = 0, watched = 0] = await freePorts(5);
  outbound = { host: '127.0.0.1', port: out };
  metrics = watched;
  await sidecarProcess({
    ...{ group, plane, directory, name: 'reviews', hbonePort: hboneIn },
    args: [
      ...['--inbound', `tcp:127.0.0.1:${inbound}=127.0.0.1:${app.address.port}`],
      ...['--metrics', 'off', '--readiness', 'off'],
    ],
  });
  caller = await sidecarProcess({
    ...{ group, plane, directory, name: 'products', hbonePort: hboneOut },
    args: [
      ...['--outbound', `127.0.0.1:${out}=reviews.shop.svc.cluster.local:80`],
      ...['--metrics', `127.0.0.1:${metrics}`, '--readiness', 'off'],
    ],
  });
  await until('the caller reaches the callee', async () => {
    const socket = await dial(outbound);
    return (await ask(socket, 'hello')) === 'hello';
  });
});
afterAll(async () => {
  await group.stop();
  await app[Symbol.asyncDispose]();
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

const OWN_RAN_OUT =
  /^shop\/products-1 went on by KeepLast .*: its own certificate \(spiffe:\/\/cluster\.local\/ns\/shop\/sa\/products\) ran out at 20/;

it('goes on without a control plane, which hears of it afterwards: Event, status and columns', async () => {
  const { dataDir, xdsPort, apiPort } = plane;
  await plane.stop();
  await until('the certificates have run out', async () => {
    const { identity } = await caller.status();
    return identity.notAfterMs < Date.now() - 100;
  });
  const socket = await dial(outbound);
  expect(await ask(socket, 'still there')).toBe('still there');
  socket.destroy();
  const fallback = await until('the use is counted', async () => {
    const { fallback: present } = await caller.status();
    return present.used > 0 && present;
  });
  expect(fallback).toMatchObject({ mode: 'KeepLast', by: 'istio-system/mesh' });
  const scraped = readMetrics(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text());
  const own = { mode: 'KeepLast', whose: 'own' };
  expect(sampleOf(scraped, 'hauberk_fallbacks_used_total', own)).toBeGreaterThan(0);

  plane = await controlPlaneRig({ dataDir, port: xdsPort, apiPort, svidLifetimeMs: 4_000 });
  const said = await until(
    'an Event of the policy tells of it',
    async () => {
      const events = await plane.operator.get<{ items: readonly EventLike[] }>('events', {
        ...{ name: '', namespace: 'istio-system' },
      });
      const ours = events.items.filter(
        ({ reason, involvedObject: { kind, name } }) =>
          reason === 'FallbackUsed' && kind === 'FallbackPolicy' && name === 'mesh',
      );
      return ours.some(({ message }) => OWN_RAN_OUT.test(message)) && ours;
    },
    40_000,
  );
  expect(said[0]).toMatchObject({ type: 'Warning' });
  const env = { KUBECONFIG: plane.kubeconfig };
  const shown = await until('its table shows it', async () => {
    const { stdout } = await hauberk(['get', 'fallbackpolicy', '-A', '-o', 'wide'], { env });
    return /shop\/(?:products|reviews)-1/.test(stdout) && stdout;
  });
  expect(shown).toMatch(/NAMESPACE +NAME +MODE +KEEP FOR +USES +LAST USED +AGE +LAST USED BY/);
  expect(shown).toMatch(/istio-system +mesh +KeepLast +6h +[1-9]\d* +\S+ +\S+ +shop\//);
  const described = await hauberk(['describe', 'fallbackpolicy', 'mesh', '-n', 'istio-system'], {
    env,
  });
  expect(described.stdout).toMatch(/Warning +FallbackUsed/);
  const used = plane.audit().filter(({ event }) => event === 'fallback.use');
  expect(used[0]).toMatchObject({ policy: 'istio-system/mesh', mode: 'KeepLast' });
});

interface EventLike {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}
