import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { obtainSvid } from '../../src/agent/identity/obtain-svid.ts';
import { callAdmin } from '../../src/app/admin-client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Identity } from '../../src/spiffe/identity.ts';
import { generateKeyPair } from '../../src/x509/key-pair.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { type CliResult, hauberk } from '../kit/hauberk.ts';

const PASSPHRASE = 'correct horse battery';
const env = { HAUBERK_BACKUP_PASSPHRASE: PASSPHRASE };
const { signal } = new AbortController();

let plane: ControlPlaneRig;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-backup-'));
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});
afterAll(async () => {
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

function obtain(port: number, token: string | undefined): ReturnType<typeof obtainSvid> {
  const address = { host: '127.0.0.1', port };
  return obtainSvid({ address, rootNamespace: 'istio-system', token, clock: systemClock });
}

const enrol = (port: number, token: string): Promise<Identity> =>
  obtain(port, token)(undefined, generateKeyPair(), signal);

/** As a shell would: standard output of the command is the file. */
async function backup(): Promise<Buffer> {
  const result = await hauberk(['ca', 'backup', '--data-dir', plane.dataDir], {
    env,
    binary: true,
  });
  expect(result.stderr).toMatch(/backup of trust domain "cluster.local": \d+ resources at version/);
  return Buffer.from(result.stdout, 'latin1');
}

function restore(
  file: Uint8Array,
  dataDir: string,
  extra: Record<string, string> = env,
): Promise<CliResult> {
  return hauberk(['ca', 'restore', '--data-dir', dataDir], { env: extra, stdin: file });
}

const version = async (dataDir: string): Promise<number> =>
  (await callAdmin<{ version: number }>(dataDir, { method: 'GET', path: '/v1/status' })).version;

describe('hauberk ca backup and restore', () => {
  it('brings a lost mesh back: an agent renews, an unused token enrols, a used one does not', async () => {
    const { xdsPort, rootFingerprint } = plane;
    const used = await plane.createToken('shop', 'reviews');
    const unused = await plane.createToken('shop', 'products');
    const before = await enrol(xdsPort, used);
    const file = await backup();
    const lastVersion = await version(plane.dataDir);
    await plane.close();

    const dataDir = join(directory, 'new', 'machine');
    const restored = await restore(file, dataDir);
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(restored.stdout).toContain(rootFingerprint);
    expect(statSync(join(dataDir, 'master.key')).mode & 0o777).toBe(0o600);
    plane = await controlPlaneRig({ dataDir, port: xdsPort });

    expect(plane.rootFingerprint).toBe(rootFingerprint);
    expect(await version(dataDir)).toBeGreaterThan(lastVersion + 1_000_000);
    const renewed = await obtain(xdsPort, undefined)(before, generateKeyPair(), signal);
    expect(renewed.svid.id.toString()).toBe(before.svid.id.toString());
    expect(renewed.svid.chain[0]?.serial).not.toBe(before.svid.chain[0]?.serial);
    expect((await enrol(xdsPort, unused)).svid.id.path).toBe('/ns/shop/sa/products');
    await expect(enrol(xdsPort, used)).rejects.toThrow(/used/);
    expect(plane.audit()[0]).toMatchObject({ event: 'backup.restore', outcome: 'success' });
  });

  it('records that a backup was taken, without the passphrase, and shows no key', async () => {
    const file = await backup();
    expect(plane.audit().at(-1)).toMatchObject({ event: 'backup.take' });
    expect(JSON.stringify(plane.audit())).not.toContain(PASSPHRASE);
    expect(file.toString('latin1')).not.toMatch(/PRIVATE|ca-key|istio/);
  });

  it('refuses to restore over a mesh, and leaves it as it was', async () => {
    const again = await restore(await backup(), plane.dataDir);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/already holds a mesh with an authority of its own/);
    expect(await version(plane.dataDir)).toBeGreaterThan(0);
  });

  it.each<[string, (file: Buffer) => Uint8Array, Record<string, string>, number, RegExp]>([
    [
      'another passphrase',
      (file) => file,
      { HAUBERK_BACKUP_PASSPHRASE: 'wrong horse battery' },
      3,
      /passphrase is another one/,
    ],
    [
      'no passphrase and no terminal',
      (file) => file,
      {},
      2,
      /--passphrase-file or HAUBERK_BACKUP_PASSPHRASE/,
    ],
    ['a file that was cut off', (file) => file.subarray(0, -100), env, 3, /bytes were altered/],
    [
      'something else',
      () => Buffer.from('-----BEGIN CERTIFICATE-----'.repeat(10)),
      env,
      1,
      /are not a "hauberk-backup 1" file/,
    ],
    ['nothing', () => Buffer.alloc(0), env, 1, /these 0 bytes are not/],
  ])(
    'refuses to restore with %s, and leaves nothing behind',
    async (_name, change, extra, code, reason) => {
      const dataDir = join(directory, 'refused');
      const result = await restore(change(await backup()), dataDir, extra);
      expect(result.code).toBe(code);
      expect(result.stderr).toMatch(reason);
      expect(() => statSync(dataDir)).toThrow('ENOENT');
    },
  );

  it('takes the passphrase from a private file only', async () => {
    const path = join(directory, 'passphrase');
    writeFileSync(path, `${PASSPHRASE}\n`, { mode: 0o644 });
    const args = ['ca', 'backup', '--data-dir', plane.dataDir, '--passphrase-file', path];
    expect((await hauberk(args)).stderr).toMatch(
      /can be used by others \(mode 644\); run chmod 600/,
    );
  });

  it('refuses a passphrase that is soon guessed', async () => {
    const args = ['ca', 'backup', '--data-dir', plane.dataDir];
    const result = await hauberk(args, { env: { HAUBERK_BACKUP_PASSPHRASE: 'hunter2' } });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(/12 to 1024 characters, this one has 7/);
  });
});
