import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { OpensslDirectory } from '../interop/openssl/openssl-directory.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { enrolled, enrolledWith } from '../kit/enrolled.ts';
import { freePorts } from '../kit/free-ports.ts';
import { hauberk } from '../kit/hauberk.ts';
import { peer } from '../kit/peer.ts';
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

const PRODUCTS = 'spiffe://cluster.local/ns/shop/sa/products';
const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';
const MESH_WIDE_MS = 2_000;
const directory = mkdtempSync(join(tmpdir(), 'hauberk-revocation-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;
let app: TestApp;

beforeAll(async () => {
  app = await startApp(echoServer());
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});
afterAll(async () => {
  await group.stop();
  await plane.close();
  await app[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

async function revoke(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await hauberk([
    ...['certs', 'revoke', ...args, '-o', 'json', '--data-dir', plane.dataDir],
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
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

describe('a revoked identity', () => {
  it('is cut off mesh-wide within two seconds, and is back only after it enrolled anew', async () => {
    const ports = await freePorts(4);
    const [workload = 0, hboneA = 0, hboneB = 0, outboundPort = 0] = ports;
    const service = `apiVersion: v1\nkind: Service\nmetadata: { name: reviews, namespace: shop }\nspec: { selector: { app: reviews }, ports: [ { name: tcp, port: 80, targetPort: ${workload} } ] }`;
    await plane.apply(service);
    const common = { group, plane, directory };
    const reviews = await sidecarProcess({
      ...{ ...common, name: 'reviews', hbonePort: hboneA },
      args: ['--inbound', `tcp:${LOOPBACK}:${workload}=${LOOPBACK}:${app.address.port}`],
    });
    const startProducts = (): Promise<SidecarProcess> =>
      sidecarProcess({
        ...{ ...common, name: 'products', hbonePort: hboneB },
        args: ['--outbound', `${LOOPBACK}:${outboundPort}=reviews.shop:80`],
      });
    const products = await startProducts();
    const outbound = { host: LOOPBACK, port: outboundPort };
    const works = async (): Promise<Socket | undefined> => {
      const socket = await dial(outbound);
      if ((await ask(socket, 'hello')) === 'hello') return socket;
      return undefined;
    };
    const open = await until('a connection through both sidecars', works);
    // A plaintext connection shows no certificate, so no revocation is about it.
    const plain = await dial({ host: LOOPBACK, port: workload });
    expect(await ask(plain, 'plain')).toBe('plain');
    const unused = await plane.createToken('shop', 'products');

    const ending = readToEnd(open).then(() => Date.now());
    const answer = await revoke('--identity', PRODUCTS, '--reason', 'keyCompromise');
    const revokedAtMs = Math.min(
      ...plane
        .audit()
        .filter(({ event }) => event === 'certificate.revoke')
        .map(({ time }) => Date.parse(String(time))),
    );
    expect(answer).toMatchObject({ revoked: 1, discardedTokens: 1 });
    expect((await ending) - revokedAtMs).toBeLessThan(MESH_WIDE_MS);
    const record = await until('the record of the closed connection', async () =>
      (await reviews.status()).recent.find(({ event }) => event === 'connectionClosed'),
    );
    expect(record.atMs - revokedAtMs).toBeLessThan(MESH_WIDE_MS);
    expect(record.record).toMatchObject({
      ...{ reason: 'revoked', peerId: PRODUCTS },
      detail: expect.stringContaining('(keyCompromise)'),
    });
    expect(await ask(plain, 'still')).toBe('still');
    plain.destroy();

    const refused = await dial(outbound);
    expect((await readToEnd(refused)).received.toString()).toBe('');
    const handshake = await until('the record of the refused handshake', async () =>
      (await reviews.status()).recent.find(({ event }) => event === 'handshakeFailed'),
    );
    expect(handshake.record).toMatchObject({
      reason: expect.stringMatching(/^certificate \w+ of ".*\/products" was revoked at/),
    });
    const state = await until('the refusal of the discovery stream', async () => {
      const { controlPlane } = await products.status();
      const refusal = /was revoked at .* \(keyCompromise\); enrol the workload anew/;
      if (controlPlane.phase !== 'waiting') return undefined;
      return refusal.test(controlPlane.lastError) ? controlPlane : undefined;
    });
    expect(state.failures).toBeGreaterThan(0);
    await expect(enrolledWith(plane, unused)).rejects.toThrow(/is not known here/);

    await products.kill();
    await startProducts();
    (await until('a connection after the workload enrolled anew', works)).destroy();
  });
});

describe('the control plane', () => {
  it('refuses to renew a revoked certificate, also after a restart', async () => {
    const [one, other] = [await enrolled(plane, 'reviews'), await enrolled(plane, 'reviews')];
    expect(await revoke(one.serial, '--reason', 'superseded')).toMatchObject({ revoked: 1 });
    await expect(one.renew()).rejects.toMatchObject({
      code: 'ERR_UNAUTHENTICATED',
      message: expect.stringMatching(/was revoked at .* \(superseded\)/),
    });
    expect((await other.renew()).serial).toMatch(/^[0-9a-f]{32}$/);
    const { dataDir, xdsPort: port } = plane;
    await plane.stop();
    plane = await controlPlaneRig({ dataDir, port });
    await expect(one.renew()).rejects.toMatchObject({ code: 'ERR_UNAUTHENTICATED' });
    expect(await revoke(one.serial)).toMatchObject({ revoked: 0 });
  });

  it('writes each into the audit log, with who and why', async () => {
    const { serial } = await enrolled(plane, 'reviews');
    await revoke(serial, '--reason', 'affiliationChanged');
    const lines = plane.audit().filter(({ event }) => event === 'certificate.revoke');
    expect(lines.at(-1)).toMatchObject({
      ...{ serial, id: REVIEWS, reason: 'affiliationChanged', actor: 'hauberk-admin' },
    });
  });

  it.each([
    [['certs', 'revoke'], 2, /either one serial or one --identity/],
    [['certs', 'revoke', 'abcdef0123'], 1, /no certificate with the serial "abcdef0123"/],
    [['certs', 'revoke', '--identity', 'reviews'], 1, /"reviews"/],
    [['certs', 'revoke', '--identity', `${REVIEWS}x`], 1, /reviewsx" has no certificate on record/],
    [['delete', 'certificaterevocation', 'abcdef'], 1, /written by `hauberk certs revoke` only/],
  ])('refuses %j', async (args, code, message) => {
    const answer = await hauberk([...args, '--data-dir', plane.dataDir]);
    expect(answer).toMatchObject({ code, stderr: expect.stringMatching(message) });
  });

  it('takes no revocation from a file', async () => {
    const manifest = `apiVersion: security.hauberk.dev/v1alpha1\nkind: CertificateRevocation\nmetadata: { name: abcdef }\nspec: { identity: ${REVIEWS}, issuerSerial: 0a, reason: superseded, revokedAt: "2026-01-01T00:00:00Z", notAfter: "2026-01-02T00:00:00Z" }`;
    await expect(plane.apply(manifest)).rejects.toThrow(/written by `hauberk certs revoke` only/);
  });
});

peer('openssl', (openssl) => {
  it('verifies an SVID against `hauberk certs crl` and refuses one that was revoked', async () => {
    const [good, bad] = [await enrolled(plane, 'reviews'), await enrolled(plane, 'reviews')];
    await revoke(bad.serial);
    const files = new OpensslDirectory(openssl);
    const crl = await hauberk(['certs', 'crl', '--data-dir', plane.dataDir]);
    expect(crl.code).toBe(0);
    files.write('list.pem', crl.stdout);
    files.write('root.pem', good.identity.bundle.toPem());
    const verify = (name: string, { identity }: typeof good) => {
      const chain = identity.svid.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
      files.write(name, chain);
      const trust = ['-CAfile', 'root.pem', '-untrusted', name, '-CRLfile', 'list.pem'];
      return files.try('verify', '-crl_check', ...trust, name);
    };
    expect(verify('good.pem', good)).toMatchObject({ ok: true });
    expect(verify('bad.pem', bad).text).toContain('certificate revoked');
  });
});
