import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { until } from '../../src/app/demo/until.ts';
import type { FailedHandshake } from '../../src/proxy/proxy-events.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { readToEnd } from '../kit/proxy-pair.ts';
import { type SidecarProcess, sidecarProcess } from '../kit/sidecar-process.ts';

/** A workload that is said to be `name`, at the HBONE port of somebody else. */
const entry = (name: string, hbonePort: number): string => `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: ${name}-1
  namespace: shop
  annotations: { networking.hauberk.dev/hbone-port: "${hbonePort}" }
spec: { address: 127.0.0.1, serviceAccount: ${name}, labels: { app: ${name} }, ports: { tcp: 8080 } }
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec:
  selector: { app: ${name} }
  ports: [{ name: tcp, port: 80, targetPort: tcp }]
`;

const id = (account: string): string => `spiffe://cluster.local/ns/shop/sa/${account}`;
const directory = mkdtempSync(join(tmpdir(), 'hauberk-records-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;
let foreignPlane: ControlPlaneRig;
let caller: SidecarProcess;
let callee: SidecarProcess;
let foreign: SidecarProcess;
let ports: readonly number[];

beforeAll(async () => {
  [plane, foreignPlane] = await Promise.all([controlPlaneRig(), controlPlaneRig()]);
  ports = await freePorts(7);
  const [toRatings, toForeign, inbound, foreignIn, hbone = 0, foreignHbone = 0, hboneOut = 0] =
    ports;
  await plane.apply(`${SHOP}---${entry('ratings', hbone)}---${entry('details', foreignHbone)}`);
  await foreignPlane.apply(SHOP);
  const quiet = ['--metrics', 'off', '--readiness', 'off'];
  const serving = (port: number | undefined) => [
    ...['--inbound', `tcp:127.0.0.1:${port}=127.0.0.1:1`],
    ...quiet,
  ];
  const foreignDirectory = join(directory, 'foreign');
  mkdirSync(foreignDirectory);
  callee = await sidecarProcess({
    ...{ group, plane, directory, name: 'reviews', hbonePort: hbone, args: serving(inbound) },
  });
  foreign = await sidecarProcess({
    ...{ group: new ProcessGroup(foreignDirectory), plane: foreignPlane, name: 'reviews' },
    ...{ directory: foreignDirectory, hbonePort: foreignHbone, args: serving(foreignIn) },
  });
  caller = await sidecarProcess({
    ...{ group, plane, directory, name: 'products', hbonePort: hboneOut },
    args: [
      ...['--outbound', `127.0.0.1:${toRatings}=ratings.shop.svc.cluster.local:80`],
      ...['--outbound', `127.0.0.1:${toForeign}=details.shop.svc.cluster.local:80`],
      ...quiet,
    ],
  });
});
afterAll(async () => {
  await foreign.kill();
  await group.stop();
  await Promise.all([plane.close(), foreignPlane.close()]);
  rmSync(directory, { recursive: true, force: true });
});

/** The records of failed handshakes in a sidecar's log. */
function recordsOf(sidecar: SidecarProcess): readonly (FailedHandshake & { time: string })[] {
  return sidecar.process
    .log()
    .split('\n')
    .filter((line) => line.includes('"handshake failed"'))
    .map((line) => JSON.parse(line));
}

/** The two records of one handshake between the caller and another. */
async function joined(other: SidecarProcess, outbound: number | undefined) {
  const before = new Set(recordsOf(caller).map(({ handshakeId }) => handshakeId));
  expect((await readToEnd(connect(outbound ?? 0, '127.0.0.1'))).how).toBe('reset');
  return until('both ends have a record of it', async () => {
    const theirs = recordsOf(other);
    for (const ours of recordsOf(caller).filter((each) => !before.has(each.handshakeId))) {
      const match = theirs.find(({ handshakeId }) => handshakeId === ours.handshakeId);
      if (match !== undefined) return { ours, theirs: match };
    }
    return undefined;
  });
}

const times = { atMs: expect.any(Number), time: expect.stringMatching(/^\d{4}-.*Z$/) };

it('a server that is somebody else: both ends say so under one id, the caller why', async () => {
  const { ours, theirs } = await joined(callee, ports[0]);
  const [server, client] = await Promise.all([callee.status(), caller.status()]);
  expect(ours).toMatchObject({
    ...{ direction: 'outbound', transport: 'hbone', ...times },
    destination: { host: '127.0.0.1', port: ports[4] },
    ...{ ownId: id('products'), ownSerial: client.identity.serial },
    ...{ expectedIds: [id('ratings')], presentedId: id('reviews') },
    ...{ presentedSerial: server.identity.serial, presentedIssuer: expect.stringMatching(/CN/) },
    ...{ presentedNotAfterMs: server.identity.notAfterMs, verdict: 'ERR_UNAUTHENTICATED' },
    reason: expect.stringContaining(`proved to be "${id('reviews')}"`),
    hint: expect.stringContaining('compare the serviceAccount of the WorkloadEntry'),
  });
  expect(theirs).toMatchObject({
    ...{ direction: 'inbound', transport: 'hbone', ...times },
    ...{ source: ours.source, destination: ours.destination },
    ...{ ownId: id('reviews'), ownSerial: server.identity.serial, presentedId: id('products') },
    ...{ presentedSerial: client.identity.serial, presentedIssuer: expect.stringMatching(/CN/) },
    ...{ presentedNotAfterMs: client.identity.notAfterMs, verdict: 'ERR_UNREACHABLE' },
    reason: expect.stringMatching(/ended the connection after the TLS handshake/),
    hint: expect.stringContaining('same handshakeId'),
  });
});

it('a server of another mesh: each end names the authority of the other that it does not know', async () => {
  const { ours, theirs } = await joined(foreign, ports[1]);
  const [server, client] = await Promise.all([foreign.status(), caller.status()]);
  const both = { ...times, verdict: 'ERR_PATH', presentedIssuer: expect.stringMatching(/CN/) };
  const hint = expect.stringMatching(/find out who runs the authority .*CN/);
  expect(ours).toMatchObject({
    ...{ ...both, hint, direction: 'outbound', expectedIds: [id('details')] },
    ...{ presentedId: id('reviews'), presentedSerial: server.identity.serial },
    presentedNotAfterMs: server.identity.notAfterMs,
  });
  expect(theirs).toMatchObject({
    ...{ ...both, hint, direction: 'inbound', source: ours.source, destination: ours.destination },
    ...{ presentedId: id('products'), presentedSerial: client.identity.serial },
    presentedNotAfterMs: client.identity.notAfterMs,
  });
});
