import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runSidecar } from '../../src/app/sidecar/sidecar.ts';
import { readStatus } from '../../src/app/sidecar/sidecar-socket.ts';
import { SpiffeWorkloadAPI, type X509SVIDResponse } from '../../src/gen/spiffe/workload_pb.js';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { eventually } from '../kit/eventually.ts';

const headers = { 'workload.spiffe.io': 'true' };
const nowhere = { host: '127.0.0.1', port: 0 };
const stateDir = mkdtempSync(join(tmpdir(), 'hauberk-sidecar-'));
const path = join(stateDir, 'spiffe.sock');
let plane: ControlPlaneRig;
let token: string;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
  token = await plane.createToken('shop', 'reviews');
});

afterAll(async () => {
  await plane.close();
  rmSync(stateDir, { recursive: true, force: true });
});

/** Returns once the sidecar is at work, with the way to stop it. */
async function startSidecar(): Promise<() => Promise<void>> {
  const before = await readStatus(stateDir).catch(() => undefined);
  const aborting = new AbortController();
  const ownUid = process.getuid?.() ?? 0;
  const running = runSidecar(
    {
      ...{ stateDir, token, name: 'reviews-1', inbound: [], outbound: [], hbone: nowhere },
      controlPlane: { host: '127.0.0.1', port: plane.xdsPort },
      spiffeSocket: { path, allowedUids: [ownUid], ownUid },
      advertise: { host: '127.0.0.1', hbonePort: undefined },
      ...{ drainTimeoutMs: 0, rootNamespace: 'istio-system', accessLog: 'refused' },
    },
    aborting.signal,
  );
  const failed = running.then(() => Promise.reject(new Error('the sidecar ended')));
  const ready = async (): Promise<void> => {
    for (;;) {
      const status = await readStatus(stateDir).catch(() => undefined);
      if (status !== undefined && before === undefined) return;
      // Both run in this process: a successor has received one certificate, and none by renewal.
      if (status?.identity.received === 1 && (before?.identity.received ?? 0) > 1) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  failed.catch(() => undefined);
  await Promise.race([ready(), failed]);
  return async () => {
    aborting.abort();
    await running;
  };
}

async function nextOf(stream: AsyncIterator<X509SVIDResponse>): Promise<X509Certificate> {
  const { value, done } = await stream.next();
  if (done === true) throw new Error('the stream has ended');
  return new X509Certificate(value.svids[0]?.x509Svid ?? new Uint8Array());
}

/** The first certificate that is another one than `before`; a revocation list that comes in is told with the same. */
async function nextAfter(
  stream: AsyncIterator<X509SVIDResponse>,
  before: X509Certificate,
): Promise<X509Certificate> {
  const next = await nextOf(stream);
  return next.serialNumber === before.serialNumber ? nextAfter(stream, before) : next;
}

/** Reads what is still sent, a revocation list perhaps, until the stream ends. */
async function endOf(stream: AsyncIterator<X509SVIDResponse>): Promise<never> {
  for (;;) await nextOf(stream);
}

function openClient() {
  const manager = new Http2SessionManager('http://localhost', undefined, {
    createConnection: () => connect(path),
  });
  const transport = createGrpcTransport({ baseUrl: 'http://localhost', sessionManager: manager });
  return { client: createClient(SpiffeWorkloadAPI, transport), close: () => manager.abort() };
}

function watchSvids(): {
  readonly stream: AsyncIterator<X509SVIDResponse>;
  close(): void;
} {
  const { client, close } = openClient();
  return { stream: client.fetchX509SVID({}, { headers })[Symbol.asyncIterator](), close };
}

/** Has the agent fetch a token and judge it by the bundle that came as a fact. */
async function subjectOfOwnToken(): Promise<string> {
  const { client, close } = openClient();
  const { svids } = await client.fetchJWTSVID({ audience: ['web'] }, { headers });
  const request = { audience: 'web', svid: svids[0]?.svid ?? '' };
  const { spiffeId } = await client.validateJWTSVID(request, { headers });
  close();
  return spiffeId;
}

it('a sidecar gives its identity, pushes the renewal, and leaves the socket to its successor', async () => {
  const stopFirst = await startSidecar();
  const watch = watchSvids();
  const first = await nextOf(watch.stream);
  expect(first.subjectAltName).toBe('URI:spiffe://cluster.local/ns/shop/sa/reviews');
  const lifetime = '{ security.hauberk.dev/svid-lifetime: 1h }';
  await plane.apply(`
apiVersion: v1
kind: ServiceAccount
metadata: { name: reviews, namespace: shop, labels: { app: reviews }, annotations: ${lifetime} }
`);
  const second = await nextAfter(watch.stream, first);
  expect(second.subjectAltName).toBe(first.subjectAltName);
  expect(await readStatus(stateDir)).toMatchObject({
    spiffeSocket: { path, sds: { clients: [], rejected: 0 } },
  });

  expect(await subjectOfOwnToken()).toBe('spiffe://cluster.local/ns/shop/sa/reviews');

  // Else the successor would begin with what the predecessor knew before, and renew at the change.
  const kept = join(stateDir, 'facts.jsonl');
  await eventually('the change is kept', () => {
    return existsSync(kept) && readFileSync(kept, 'utf8').includes('svid-lifetime');
  });
  const ending = expect(endOf(watch.stream)).rejects.toMatchObject({ code: Code.Unavailable });
  const stopSecond = await startSidecar();
  await ending;
  await stopFirst();
  watch.close();
  const again = watchSvids();
  expect((await nextOf(again.stream)).serialNumber).toBe(second.serialNumber);
  again.close();
  await stopSecond();
});
