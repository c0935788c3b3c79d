import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { hauberk } from '../kit/hauberk.ts';
import {
  ask,
  dial,
  echoServer,
  LOOPBACK,
  readToEnd,
  startApp,
  type TestApp,
} from '../kit/proxy-pair.ts';
import { type SidecarProcess, sidecarProcess } from '../kit/sidecar-process.ts';
import { steadyLoad } from '../kit/steady-load.ts';

const PARTNER = 'partner.example';
const PRODUCTS = `spiffe://${PARTNER}/ns/shop/sa/products`;
const directory = mkdtempSync(join(tmpdir(), 'hauberk-federation-'));
const group = new ProcessGroup(directory);
let app: TestApp;
let home: ControlPlaneRig;
let partner: ControlPlaneRig;
let reviews: SidecarProcess;
let products: SidecarProcess;
let outbound: { host: string; port: number };

const endpoint = { listen: { host: LOOPBACK, port: 0 }, refreshHintMs: 1_000 };

/** A Service of the partner whose one workload is in the other trust domain. */
function foreignWorkload(port: number, hbone: number): string {
  return `apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec: { selector: { app: remote-reviews }, ports: [ { name: tcp, port: 80, targetPort: ${port} } ] }
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: remote-reviews
  namespace: shop
  labels: { app: remote-reviews }
  annotations:
    networking.hauberk.dev/hbone-port: "${hbone}"
    security.hauberk.dev/trust-domain: cluster.local
spec: { address: ${LOOPBACK}, serviceAccount: reviews }`;
}

beforeAll(async () => {
  app = await startApp(echoServer());
  home = await controlPlaneRig({ bundleEndpoint: endpoint });
  partner = await controlPlaneRig({ trustDomain: PARTNER, bundleEndpoint: endpoint });
  await Promise.all([home.apply(SHOP), partner.apply(SHOP)]);
  const [workload = 0, hboneA = 0, hboneB = 0, port = 0] = await freePorts(4);
  outbound = { host: LOOPBACK, port };
  await partner.apply(foreignWorkload(workload, hboneA));
  reviews = await sidecarProcess({
    ...{ group, directory, plane: home, name: 'reviews', hbonePort: hboneA },
    args: ['--inbound', `tcp:${LOOPBACK}:${workload}=${LOOPBACK}:${app.address.port}`],
  });
  products = await sidecarProcess({
    ...{ group, directory, plane: partner, name: 'products', hbonePort: hboneB },
    args: ['--outbound', `${LOOPBACK}:${port}=reviews.shop:80`],
  });
});
afterAll(async () => {
  await group.stop();
  await Promise.all([home.close(), partner.close()]);
  await app[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

async function cli(plane: ControlPlaneRig, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await hauberk([...args, '--data-dir', plane.dataDir]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** As an operator does: the other side's bundle by hand, then its endpoint. */
async function add(to: ControlPlaneRig, other: ControlPlaneRig, name: string): Promise<void> {
  const file = join(directory, `${name}.json`);
  writeFileSync(file, await cli(other, 'federation', 'bundle'));
  await cli(
    to,
    ...['federation', 'add', name, '--profile', 'https_spiffe', '--bundle', file],
    ...['--endpoint', `https://${LOOPBACK}:${other.bundlePort}/`],
    ...['--endpoint-id', `spiffe://${name}/ns/istio-system/sa/hauberk`],
  );
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

async function through(): Promise<Socket | undefined> {
  const socket = await dial(outbound);
  return (await ask(socket, 'hello')) === 'hello' ? socket : undefined;
}

async function refused(): Promise<boolean> {
  // Not dialled first: who is refused may be reset before it knows that it was connected.
  return (await readToEnd(connect(outbound))).received.length === 0;
}

async function listed(plane: ControlPlaneRig) {
  const { items } = JSON.parse(await cli(plane, 'federation', 'list', '-o', 'json'));
  return items as Record<string, unknown>[];
}

describe('two meshes of different trust domains', () => {
  it('refuse each other before they are federated', async () => {
    expect(await refused()).toBe(true);
    const { recent } = await products.status();
    const failed = recent.find(({ event }) => event === 'handshakeFailed');
    expect(failed?.record).toMatchObject({
      reason: expect.stringContaining('of the trust domain "cluster.local", of which there is no'),
    });
  });

  it('reach each other after each added the other', async () => {
    await add(home, partner, PARTNER);
    await add(partner, home, 'cluster.local');
    (await until('a connection across', through)).destroy();
    const { connections, recent } = await reviews.status();
    const records = [...connections, ...recent.map(({ record }) => record)];
    expect(records).toContainEqual(expect.objectContaining({ peerId: PRODUCTS }));
    const fresh = await until('a fetched bundle', async () =>
      (await listed(home)).find(({ state }) => state === 'fresh'),
    );
    expect(fresh).toMatchObject({
      ...{ trustDomain: PARTNER, profile: 'https_spiffe', failures: 0 },
      bundle: { refreshIntervalMs: 1_000, authorities: [{ fingerprint: partner.rootFingerprint }] },
    });
    expect(await cli(home, 'federation', 'show', PARTNER)).toContain(partner.rootFingerprint);
  });

  it('are authorized by the foreign principal', async () => {
    const only = (principal: string): string => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: reviews, namespace: shop }
spec: { action: ALLOW, rules: [ { from: [ { source: { principals: ["${principal}"] } } ] } ] }`;
    const open = await until('a connection', through);
    const ending = readToEnd(open);
    await home.apply(only('cluster.local/ns/shop/sa/products'));
    await ending;
    expect(await refused()).toBe(true);
    await home.apply(only(`${PARTNER}/ns/shop/sa/products`));
    (await until('a connection as the foreign principal', through)).destroy();
    await cli(home, 'delete', 'authorizationpolicy', 'reviews', '-n', 'shop');
  });

  it('fail no request while the root of the one that is called is replaced', async () => {
    (await until('a connection', through)).destroy();
    const load = steadyLoad(outbound, 2);
    const before = (await reviews.status()).identity.issuerSerial;
    await cli(home, 'ca', 'rotate', '--root', '--renew-within', '1s', '--wait');
    const bundle = JSON.parse(await cli(home, 'federation', 'bundle')) as {
      keys: { use: string }[];
    };
    expect(bundle.keys.filter(({ use }) => use === 'x509-svid')).toHaveLength(1);
    expect((await reviews.status()).identity.issuerSerial).not.toBe(before);
    const { requests } = load;
    await until('more requests', async () => load.requests > requests + 50 || undefined);
    await load.stop();
    expect(load.failures).toEqual([]);
  });

  it('show a bundle that cannot be refreshed as stale, and go on', async () => {
    const { dataDir, xdsPort: port, bundlePort = 0 } = partner;
    await partner.stop();
    const stale = await until('the stale bundle', async () =>
      (await listed(home)).find(({ state }) => state === 'stale'),
    );
    expect(stale).toMatchObject({ lastError: expect.stringContaining('cannot be fetched') });
    (await until('a connection without the partner’s control plane', through)).destroy();
    const listen = { host: LOOPBACK, port: bundlePort };
    partner = await controlPlaneRig({
      ...{ dataDir, port, trustDomain: PARTNER, bundleEndpoint: { ...endpoint, listen } },
    });
    await until('the fresh bundle', async () =>
      (await listed(home)).find(({ state }) => state === 'fresh'),
    );
  });

  it('are cut from each other at once when one removes the other', async () => {
    const open = await until('a connection', through);
    const ending = readToEnd(open);
    await cli(home, 'federation', 'remove', PARTNER);
    await ending;
    const closed = await until('the record of it', async () =>
      (await reviews.status()).recent.find(
        ({ event, record }) =>
          event === 'connectionClosed' && (record as { reason: string }).reason === 'untrusted',
      ),
    );
    expect(closed.record).toMatchObject({ peerId: PRODUCTS });
    expect(await refused()).toBe(true);
    expect(await listed(home)).toEqual([]);
  });
});

describe('hauberk federation', () => {
  it.each([
    [['add', 'cluster.local', '--endpoint', 'https://x/', '--profile', 'https_web'], 2, /itself/],
    [['add', PARTNER, '--endpoint', 'http://x/', '--profile', 'https_web'], 1, /https:\/\//],
    [['add', PARTNER, '--endpoint', 'https://x/'], 2, /profile/],
    [['add', PARTNER, '--endpoint', 'https://x/', '--profile', 'https_spiffe'], 1, /must answer/],
    [['remove', 'nowhere.example'], 1, /"nowhere.example" is not federated/],
    [['show', 'nowhere.example'], 1, /"nowhere.example" is not federated/],
  ])('refuses %j', async (args, code, message) => {
    const answer = await hauberk(['federation', ...args, '--data-dir', home.dataDir]);
    expect(answer).toMatchObject({ code, stderr: expect.stringMatching(message) });
  });
});
