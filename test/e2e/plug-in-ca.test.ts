import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { obtainSvid } from '../../src/agent/identity/obtain-svid.ts';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import type { PluggedInFiles } from '../../src/ca/plugged-in-files.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Identity } from '../../src/spiffe/identity.ts';
import { fingerprint } from '../../src/x509/certificate.ts';
import type { Crl } from '../../src/x509/crl.ts';
import { generateKeyPair } from '../../src/x509/key-pair.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { eventually } from '../kit/eventually.ts';
import { freePorts } from '../kit/free-ports.ts';
import { crlPem, givenCrl } from '../kit/given-crl.ts';
import { hauberk } from '../kit/hauberk.ts';
import { ownCa, pluggedInCa } from '../kit/plugged-in-ca.ts';
import { sidecarProcess } from '../kit/sidecar-process.ts';

const HOUR_MS = 3_600_000;
const nowMs = Date.now();
const { signal } = new AbortController();
const root = ownCa({ name: 'Example root', nowMs });
const policy = ownCa({ name: 'Example policy', nowMs, issuer: root });
const mesh = ownCa({ name: 'mesh', nowMs, issuer: policy });
const good = pluggedInCa([mesh, policy, root]);

const scratch = mkdtempSync(join(tmpdir(), 'hauberk-plugin-'));
let plane: ControlPlaneRig | undefined;
afterEach(async () => {
  await plane?.stop();
  plane = undefined;
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let made = 0;
function directory(files: Partial<PluggedInFiles> = {}): string {
  const path = join(scratch, String(made++));
  mkdirSync(path);
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(path, name), text, { mode: 0o600 });
  return path;
}

function identityOf(token: string | undefined, present?: Identity): Promise<Identity> {
  const address = { host: '127.0.0.1', port: plane?.xdsPort ?? 0 };
  const obtain = obtainSvid({ address, rootNamespace: 'istio-system', token, clock: systemClock });
  return obtain(present, generateKeyPair(), signal);
}

describe('hauberk up --ca-dir', () => {
  it('signs with the plug-in CA, keeps it, and takes a new one of the same root', async () => {
    const dataDir = directory();
    plane = await controlPlaneRig({ dataDir, caDir: directory(good) });
    await plane.apply(SHOP);
    expect(plane.rootFingerprint).toBe(fingerprint(root.certificate));
    const first = await identityOf(await plane.createToken('shop', 'reviews'));
    const issuers = first.svid.chain.map(({ issuer }) => issuer);
    expect(issuers).toEqual([mesh, policy, root].map(({ certificate }) => certificate.subject));
    await plane.stop();

    plane = await controlPlaneRig({ dataDir });
    const second = await identityOf(undefined, first);
    expect(second.svid.chain[1]?.serial).toBe(mesh.certificate.serial);
    await plane.stop();

    const next = ownCa({ name: 'mesh 2', nowMs, issuer: root, notAfterMs: nowMs + 2 * HOUR_MS });
    plane = await controlPlaneRig({ dataDir, caDir: directory(pluggedInCa([next, root])) });
    expect(plane.svidLifetimeMs).toBeLessThanOrEqual(2 * HOUR_MS);
    const third = await identityOf(undefined, second);
    expect(third.svid.chain[1]?.serial).toBe(next.certificate.serial);
    expect(third.svid.chain[0]?.notAfterMs).toBe(next.certificate.notAfterMs);
  });

  it('publishes the lists of ca-crl.pem beside its own, and takes newer ones while it runs', async () => {
    const [dataDir, caDir] = [directory(), directory(good)];
    const lists = [root, policy].map((each) => givenCrl(each, { nowMs }));
    const give = (pem: string) => writeFileSync(join(caDir, 'ca-crl.pem'), pem);
    const published = async (): Promise<readonly string[]> => {
      const get = ['get', 'certificaterevocationlists', '-o', 'json', '--data-dir', dataDir];
      const { items } = JSON.parse((await hauberk(get)).stdout) as {
        readonly items: readonly { readonly spec: { readonly list: string } }[];
      };
      return items.map(({ spec }) => spec.list).sort();
    };
    const base64 = ({ der }: Crl) => Buffer.from(der).toString('base64');
    give(crlPem(...lists));
    plane = await controlPlaneRig({ dataDir, caDir });
    await eventually('the lists', async () => (await published()).length === 3);
    expect(await published()).toEqual(expect.arrayContaining(lists.map(base64)));

    const newer = givenCrl(root, { nowMs, thisUpdateMs: nowMs - 1_000, revoked: ['4f'] });
    give(crlPem(newer, ...lists.slice(1)));
    const reload = ['ca', 'reload', '--data-dir', dataDir];
    expect((await hauberk(reload)).stdout).toMatch(/has other revocation lists/);
    await eventually('the newer in the place of the older', async () => {
      const present = await published();
      return present.includes(base64(newer)) && present.length === 3;
    });

    give(crlPem(givenCrl(ownCa({ name: 'stranger', nowMs }), { nowMs })));
    expect((await hauberk(reload)).stderr).toMatch(
      /ca-crl.pem: the list of "CN=stranger.*no authority/,
    );
    await plane.stop();
    // The stored ones, without the directory.
    plane = await controlPlaneRig({ dataDir });
    await eventually('the lists', async () => (await published()).includes(base64(newer)));
  });

  it('is rotated in on a mesh that had its own, and no workload has to enrol again', async () => {
    const [dataDir, state] = [directory(), directory()];
    const [port = 0, hbonePort = 0] = await freePorts(2);
    const group = new ProcessGroup(state);
    onTestFinished(() => group.stop());
    plane = await controlPlaneRig({ dataDir, port });
    const { rootFingerprint } = plane;
    await plane.apply(SHOP);
    const agent = await sidecarProcess({
      ...{ group, plane, directory: state, name: 'reviews', hbonePort, args: [] },
    });
    await plane.stop();

    plane = await controlPlaneRig({ dataDir, port, caDir: directory(good) });
    expect(plane.rootFingerprint).toBe(rootFingerprint);
    for (const deadlineMs = Date.now() + 60_000; ; ) {
      const { identity } = await agent.status();
      const trustsIt = identity.roots.join() === fingerprint(root.certificate);
      if (trustsIt && identity.issuerSerial === mesh.certificate.serial) break;
      if (Date.now() > deadlineMs) throw new Error(`not in time: ${JSON.stringify(identity)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await plane.stop();
    plane = await controlPlaneRig({ dataDir, port });
    expect(plane.rootFingerprint).toBe(fingerprint(root.certificate));
  });

  it('is refused while the own CA is being rotated, with what to do', async () => {
    const dataDir = directory();
    plane = await controlPlaneRig({ dataDir });
    await plane.apply(SHOP);
    await identityOf(await plane.createToken('shop', 'reviews'));
    const rotating = ['ca', 'rotate', '--root', '--data-dir', dataDir];
    expect(await hauberk(rotating)).toMatchObject({ code: 0 });
    await plane.stop();
    await expect(controlPlaneRig({ dataDir, caDir: directory(good) })).rejects.toThrow(
      /rotation of the mesh's own root is under way.*--abort/,
    );
    plane = undefined;
  });

  const { 'ca-key.pem': _key, ...partial } = good;
  const past = { nowMs: nowMs - 48 * HOUR_MS, notAfterMs: nowMs - HOUR_MS };
  const stale = ownCa({ name: 'stale', issuer: root, ...past, notBeforeMs: nowMs - 24 * HOUR_MS });
  it.each<[string, () => string, RegExp]>([
    [
      'a partial set',
      () => directory(partial),
      /no complete plug-in CA: it lacks ca-key.pem; a part of one is never used/,
    ],
    [
      'an empty directory',
      () => directory(),
      /lacks ca-cert.pem, ca-key.pem, root-cert.pem, cert-chain.pem/,
    ],
    ['a missing directory', () => join(scratch, 'none'), /lacks ca-cert.pem/],
    [
      'a set that does not fit together',
      () => directory({ ...good, 'ca-key.pem': pluggedInCa([policy, root])['ca-key.pem'] }),
      /ca-key.pem is not the key of ca-cert.pem/,
    ],
    [
      'a key that everybody can read',
      () => {
        const path = directory(good);
        chmodSync(join(path, 'ca-key.pem'), 0o644);
        return path;
      },
      /ca-key.pem" can be used by others \(mode 644\)/,
    ],
    [
      'a signer that has expired',
      () => directory(pluggedInCa([stale, root])),
      /expired at .*, the clock says .*have your CA sign a new one and start with --ca-dir/,
    ],
  ])('refuses %s at start', async (_name, caDir, reason) => {
    const dataDir = directory();
    const args = [
      'up',
      '--data-dir',
      dataDir,
      '--xds',
      '127.0.0.1:0',
      '--api-listen',
      '127.0.0.1:0',
      '--ca-dir',
      caDir(),
    ];
    const { code, stderr } = await hauberk(args);
    expect(stderr).toMatch(reason);
    expect([1, 3]).toContain(code);
  });

  it('starts with a new signer where the stored one has expired', async () => {
    const dataDir = directory();
    const args = ['up', '--data-dir', dataDir, '--xds', '127.0.0.1:0', '--ca-dir'];
    expect((await hauberk([...args, directory(pluggedInCa([stale, root]))])).stderr).toMatch(
      /expired/,
    );
    plane = await controlPlaneRig({ dataDir, caDir: directory(good) });
    expect(plane.rootFingerprint).toBe(fingerprint(root.certificate));
  });
});

describe('hauberk up --ca-key-algorithm', () => {
  it.each(['ecdsa-p384', 'ed25519', 'rsa-2048'] as const)(
    'makes an authority of %s that enrols',
    async (caKeyAlgorithm) => {
      plane = await controlPlaneRig({ dataDir: directory(), caKeyAlgorithm });
      await plane.apply(SHOP);
      const { svid } = await identityOf(await plane.createToken('shop', 'reviews'));
      const type = { 'ecdsa-p384': 'ec', ed25519: 'ed25519', 'rsa-2048': 'rsa' }[caKeyAlgorithm];
      expect(svid.chain[1]?.publicKey.asymmetricKeyType).toBe(type);
    },
  );

  it('names the algorithms when it is given another', async () => {
    const { code, stderr } = await hauberk(['up', '--ca-key-algorithm', 'dsa']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/ecdsa-p256, ecdsa-p384, ed25519, rsa-2048, rsa-4096/);
  });
});
