import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { spiffeHelperNames } from '../../src/agent/files/svid-files.ts';
import { obtainSvid } from '../../src/agent/identity/obtain-svid.ts';
import { newWorkloadKey, requestSvid } from '../../src/agent/identity/request-svid.ts';
import { controlPlaneLink } from '../../src/agent/link/control-plane-link.ts';
import { callAdmin } from '../../src/app/admin-client.ts';
import type { RotationStatus } from '../../src/app/control-plane/authority-rotation.ts';
import { runSidecar } from '../../src/app/sidecar/sidecar.ts';
import { readStatus } from '../../src/app/sidecar/sidecar-socket.ts';
import { SpiffeWorkloadAPI, type X509SVIDResponse } from '../../src/gen/spiffe/workload_pb.js';
import { systemClock } from '../../src/lib/clock.ts';
import { parseX509Svid } from '../../src/spiffe/x509-svid.ts';
import { parseCertificate } from '../../src/x509/certificate.ts';
import { parseCrl } from '../../src/x509/crl.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { enrolled } from '../kit/enrolled.ts';
import { hauberk } from '../kit/hauberk.ts';

const headers = { 'workload.spiffe.io': 'true' };
const uid = process.getuid?.() ?? 0;
const stateDir = mkdtempSync(join(tmpdir(), 'hauberk-agent-'));
const path = join(stateDir, 'spiffe.sock');
const files = join(stateDir, 'svid');
const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';
const PRODUCTS = 'spiffe://cluster.local/ns/shop/sa/products';
const aborting = new AbortController();
const managers: Http2SessionManager[] = [];
let plane: ControlPlaneRig;
let agent: Promise<void>;

/** Who serves: the products' agent. Whom: this very process, as reviews. */
const registration = (spec = '') => `apiVersion: security.hauberk.dev/v1alpha1
kind: WorkloadRegistration
metadata: { name: reviews, namespace: shop }
spec:
  serviceAccount: reviews
  selectors: [ "unix:uid:${uid}", "unix:path:${process.execPath}" ]
  agents: [ { serviceAccount: products } ]
  hint: inside
  dnsNames: [ reviews.shop.svc ]
${spec}`;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
  agent = startAgent(await plane.createToken('shop', 'products'));
  await until(() => readStatus(stateDir));
});

function startAgent(token: string | undefined): Promise<void> {
  return runSidecar(
    {
      ...{ stateDir, name: 'products-1', inbound: [], outbound: [], token },
      hbone: { host: '127.0.0.1', port: 0 },
      controlPlane: { host: '127.0.0.1', port: plane.xdsPort },
      spiffeSocket: { path, allowedUids: [uid + 1], ownUid: uid, serveRegistered: true },
      svidFiles: { directory: files, names: spiffeHelperNames, hook: undefined, verify: undefined },
      advertise: { host: '127.0.0.1', hbonePort: undefined },
      ...{ drainTimeoutMs: 0, rootNamespace: 'istio-system', accessLog: 'refused' },
    },
    aborting.signal,
  );
}

afterAll(async () => {
  for (const manager of managers) manager.abort();
  aborting.abort();
  await agent;
  await plane.close();
  rmSync(stateDir, { recursive: true, force: true });
});

async function until<T>(read: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await read();
    } catch (error) {
      if (tries > 400) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function client() {
  const manager = new Http2SessionManager('http://localhost', undefined, {
    createConnection: () => connect(path),
  });
  managers.push(manager);
  const transport = createGrpcTransport({ baseUrl: 'http://localhost', sessionManager: manager });
  return createClient(SpiffeWorkloadAPI, transport);
}

/** What this process is given: each answer by a call of its function. */
function watch(): () => Promise<X509SVIDResponse['svids']> {
  const stream = client().fetchX509SVID({}, { headers })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await stream.next();
    if (done === true) throw new Error('the stream has ended');
    return (value as X509SVIDResponse).svids;
  };
}

function leafOf([svid]: X509SVIDResponse['svids']): X509Certificate {
  return new X509Certificate(svid?.x509Svid ?? new Uint8Array());
}

/** Reads what is still sent, a revocation list perhaps, until the stream ends. */
async function endOf(next: ReturnType<typeof watch>): Promise<never> {
  for (;;) await next();
}

/** The first with another certificate than `before`; a revocation list that comes in is told with the same. */
async function nextAfter(
  next: ReturnType<typeof watch>,
  before: X509SVIDResponse['svids'],
): Promise<X509SVIDResponse['svids']> {
  for (;;) {
    const svids = await next();
    if (leafOf(svids).serialNumber !== leafOf(before).serialNumber) return svids;
  }
}

/** Waits until a new caller is told that there is nothing for it. */
function refused(): Promise<void> {
  return until(async () => {
    await expect(watch()()).rejects.toMatchObject({ code: Code.PermissionDenied });
  });
}

/** A stream that has its first answer. */
async function served(): Promise<{
  readonly next: ReturnType<typeof watch>;
  readonly first: X509SVIDResponse['svids'];
}> {
  return until(async () => {
    const next = watch();
    return { next, first: await next() };
  });
}

it('an agent gives a process the identity that a registration says, until it is deleted', async () => {
  await expect(watch()()).rejects.toMatchObject({ code: Code.PermissionDenied });
  await plane.apply(registration());
  const { next, first } = await served();
  expect(first).toMatchObject([{ spiffeId: REVIEWS, hint: 'inside' }]);
  expect(leafOf(first).subjectAltName).toBe(`URI:${REVIEWS}, DNS:reviews.shop.svc`);
  const { spiffeSocket } = await readStatus(stateDir);
  expect(spiffeSocket.registered).toMatchObject([
    { registration: 'shop/reviews', id: REVIEWS, hint: 'inside' },
  ]);
  const listed = await hauberk(['certs', 'list', '-o', 'json', '--data-dir', plane.dataDir]);
  expect(listed.stdout).toContain('"agent spiffe://cluster.local/ns/shop/sa/products"');
  expect(plane.audit()).toContainEqual(
    expect.objectContaining({
      ...{ event: 'certificate.issue', outcome: 'success', id: REVIEWS },
      by: 'agent spiffe://cluster.local/ns/shop/sa/products',
    }),
  );
  const shown = await hauberk(['sidecar', 'status', '--state-dir', stateDir]);
  expect(shown.stdout).toMatch(/REGISTRATION +IDENTITY[^\n]*\nshop\/reviews +spiffe:.*sa\/reviews/);
  const got = await hauberk(['get', 'wreg', '-n', 'shop', '--data-dir', plane.dataDir]);
  expect(got.stdout).toMatch(
    /NAME +SERVICE ACCOUNT +SELECTORS[^\n]*\nreviews +reviews +.*unix:uid:/,
  );
  const args = ['delete', 'workloadregistration', 'reviews', '-n', 'shop'];
  const deleted = await hauberk([...args, '--data-dir', plane.dataDir]);
  expect(deleted).toMatchObject({ code: 0 });
  await expect(endOf(next)).rejects.toMatchObject({ code: Code.PermissionDenied });
});

async function rotate(role: 'root' | 'intermediate'): Promise<RotationStatus> {
  const body = { role, renewWithin: '1s' };
  await callAdmin(plane.dataDir, { method: 'POST', path: '/v1/ca/rotate', body });
  return until(async () => {
    const call = { method: 'GET', path: '/v1/ca/status' } as const;
    const status = await callAdmin<RotationStatus>(plane.dataDir, call);
    if (status.rotation.phase !== 'steady') throw new Error(JSON.stringify(status.rotation));
    return status;
  });
}

it('what an agent was given is renewed at a rotation, which therefore ends at once', async () => {
  await plane.apply(registration());
  const { first } = await served();
  for (const role of ['intermediate', 'root'] as const) {
    const { slots, bundle } = await rotate(role);
    const { spiffeSocket } = await readStatus(stateDir);
    const [serial] = spiffeSocket.registered.map((each) => each.serial);
    expect(serial).not.toBe(leafOf(first).serialNumber.toLowerCase());
    expect(bundle.roots).toHaveLength(1);
    const shown = await hauberk(['certs', 'show', serial ?? '', '--data-dir', plane.dataDir]);
    expect(shown.stdout).toContain(slots[0]?.intermediate.serial);
  }
});

it('a successor is handed over what was obtained, and obtains nothing again', async () => {
  const before = await readStatus(stateDir);
  const predecessor = agent;
  agent = startAgent(undefined);
  await predecessor;
  await until(async () => {
    const { spiffeSocket, workload } = await readStatus(stateDir);
    expect(spiffeSocket.registered).toHaveLength(1);
    return workload;
  });
  const after = await readStatus(stateDir);
  expect(after.spiffeSocket.registered).toEqual(before.spiffeSocket.registered);
  expect(after.identity.serial).toBe(before.identity.serial);
  const issued = () => plane.audit().filter(({ event }) => event === 'certificate.issue').length;
  const count = issued();
  const { first } = await served();
  expect(leafOf(first).serialNumber.toLowerCase()).toBe(before.spiffeSocket.registered[0]?.serial);
  expect(issued()).toBe(count);
});

it('the agent’s own certificate is in the files that it was told to write', async () => {
  // The successor has just begun to write them.
  const { identity } = await until(async () => {
    const status = await readStatus(stateDir);
    expect(status.svidFiles).toMatchObject({ directory: files, state: 'unchecked' });
    expect(status.svidFiles?.problem).toBeUndefined();
    expect(status.svidFiles?.serial).toBe(status.identity.serial);
    return status;
  });
  const { serialNumber } = new X509Certificate(readFileSync(join(files, 'svid.pem')));
  expect(BigInt(`0x${serialNumber}`)).toBe(BigInt(`0x${identity.serial}`));
});

it('a change of what is in the certificate brings a new one', async () => {
  await plane.apply(registration());
  const { next, first } = await served();
  await plane.apply(registration('  lifetime: 1h\n'));
  const second = await nextAfter(next, first);
  const lifetimeMs = Date.parse(leafOf(second).validTo) - Date.now();
  expect(leafOf(second).serialNumber).not.toBe(leafOf(first).serialNumber);
  expect(lifetimeMs).toBeLessThanOrEqual(3_600_000);
});

it('a revoked certificate is replaced, a revoked identity is served no more', async () => {
  await plane.apply(registration());
  const { next, first } = await served();
  const revoke = (...args: string[]) =>
    hauberk(['certs', 'revoke', ...args, '--data-dir', plane.dataDir]);
  expect(await revoke(leafOf(first).serialNumber.toLowerCase())).toMatchObject({ code: 0 });
  // In between the caller is asked to come again, unless the new one was there before it noticed.
  const second = await nextAfter(next, first).catch(async (error: unknown) => {
    expect(error).toMatchObject({ code: Code.Unavailable });
    return (await served()).first;
  });
  expect(leafOf(second).serialNumber).not.toBe(leafOf(first).serialNumber);
  const { next: nextOfAll } = await served();
  const answer = await revoke('--identity', REVIEWS);
  expect(answer.stdout).toMatch(/WorkloadRegistration.*shop\/reviews deleted/);
  await expect(endOf(nextOfAll)).rejects.toMatchObject({ code: expect.any(Number) });
  await refused();
});

it('a caller is pushed the list of what was revoked', async () => {
  await plane.apply(registration());
  await served();
  const stream = client().fetchX509Bundles({}, { headers })[Symbol.asyncIterator]();
  const lists = async () => {
    const { value } = await stream.next();
    return value.crl.map((der: Uint8Array) => parseCrl(der).entries.map(({ serial }) => serial));
  };
  const before = (await lists()).flat();
  const { serial } = await enrolled(plane, 'products');
  expect(before).not.toContain(serial);
  const { code } = await hauberk(['certs', 'revoke', serial, '--data-dir', plane.dataDir]);
  expect(code).toBe(0);
  for (let seen = before; !seen.includes(serial); ) seen = (await lists()).flat();
});

it('a certificate that was given to an agent renews nothing by itself', async () => {
  await plane.apply(registration());
  const { first } = await served();
  const [given] = first;
  const leaf = leafOf(first);
  const chain = [parseCertificate(Uint8Array.from(leaf.raw))];
  const der = Buffer.from(given?.x509Svid ?? []);
  const issuer = parseCertificate(Uint8Array.from(der.subarray(leaf.raw.length)));
  const key = { key: Buffer.from(given?.x509SvidKey ?? []), format: 'der', type: 'pkcs8' } as const;
  const svid = parseX509Svid({ chain: [...chain, issuer], privateKey: createPrivateKey(key) });
  const { identity } = await enrolled(plane, 'products');
  const stolen = { ...identity, svid };
  const obtain = obtainSvid({
    address: { host: '127.0.0.1', port: plane.xdsPort },
    ...{ rootNamespace: 'istio-system', token: undefined, clock: systemClock },
  });
  const renewing = obtain(stolen, newWorkloadKey(), new AbortController().signal);
  await expect(renewing).rejects.toThrow(/only that agent can renew it/);
});

it('an agent that no registration names is refused, and the audit log has it', async () => {
  await plane.apply(registration());
  const { identity } = await enrolled(plane, 'reviews');
  const link = controlPlaneLink({
    address: { host: '127.0.0.1', port: plane.xdsPort },
    ...{ bundle: identity.bundle, identity, rootNamespace: 'istio-system' },
  });
  const asking = requestSvid({
    ...{ link, bearer: undefined, bundle: identity.bundle, lifetimeS: 0, nowMs: Date.now() },
    ...{ signal: new AbortController().signal, keys: newWorkloadKey() },
    metadata: { ImpersonatedIdentity: PRODUCTS, WorkloadRegistration: 'shop/reviews' },
  });
  await expect(asking).rejects.toMatchObject({ code: 'ERR_FORBIDDEN' });
  link.close();
  expect(plane.audit()).toContainEqual(
    expect.objectContaining({
      ...{ event: 'certificate.issue', outcome: 'failure', code: 'ERR_FORBIDDEN' },
      id: REVIEWS,
    }),
  );
});
