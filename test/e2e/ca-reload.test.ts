import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { type ControlPlaneProcess, controlPlaneProcess } from '../kit/control-plane-process.ts';
import { SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { hauberk } from '../kit/hauberk.ts';
import { ownCa, pluggedInCa } from '../kit/plugged-in-ca.ts';
import { type SidecarProcess, sidecarProcess } from '../kit/sidecar-process.ts';

const PATIENCE_MS = 60_000;
const nowMs = Date.now();
const directory = mkdtempSync(join(tmpdir(), 'hauberk-reload-'));
const caDir = join(directory, 'ca');
const group = new ProcessGroup(directory);
const root = ownCa({ name: 'Example root', nowMs });
const first = ownCa({ name: 'mesh 1', nowMs, issuer: root });
let plane: ControlPlaneProcess;
let agent: SidecarProcess;

function give(chain: Parameters<typeof pluggedInCa>[0]): void {
  for (const [name, text] of Object.entries(pluggedInCa(chain))) {
    writeFileSync(join(caDir, name), text, { mode: 0o600 });
  }
}

beforeAll(async () => {
  mkdirSync(caDir, { mode: 0o700 });
  give([first, root]);
  const [xdsPort = 0, hbonePort = 0] = await freePorts(2);
  plane = await controlPlaneProcess({
    ...{ group, xdsPort, dataDir: join(directory, 'plane'), args: ['--ca-dir', caDir] },
  });
  await plane.apply(SHOP);
  agent = await sidecarProcess({ group, plane, directory, name: 'reviews', hbonePort, args: [] });
});
afterAll(async () => {
  await group.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function reload(): Promise<{ readonly code: number; readonly text: string }> {
  const { code, stdout, stderr } = await hauberk(['ca', 'reload', '--data-dir', plane.dataDir]);
  return { code, text: stdout + stderr };
}

/** Waits until the control plane and the agent both use what this CA has signed. */
async function signedBy(serial: string): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const { slots } = await plane.status();
    const { identity } = await agent.status();
    if (slots[0]?.intermediate.serial === serial && identity.issuerSerial === serial) return;
    if (Date.now() > deadlineMs)
      throw new Error(`wanted ${serial}: ${JSON.stringify({ identity, slots })}`);
    // Agents have ten minutes for that; somebody in a hurry says so.
    await hauberk(['ca', 'rotate', '--compromised', '--data-dir', plane.dataDir]);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

it('has nothing to do when nothing has changed', async () => {
  expect(await reload()).toEqual({ code: 0, text: 'the plug-in CA has not changed\n' });
});

it('keeps what it has when what it finds cannot be used', async () => {
  const before = await plane.status();
  writeFileSync(join(caDir, 'ca-cert.pem'), 'nothing', { mode: 0o600 });
  const { code, text } = await reload();
  expect(code).not.toBe(0);
  expect(text).toMatch(/the plug-in CA cannot be used: ca-cert.pem/);
  expect((await plane.status()).slots).toMatchObject(
    before.slots.map(({ slot, intermediate: { serial } }) => ({ slot, intermediate: { serial } })),
  );
});

it('rotates a new signer in, and by SIGHUP one of another root', async () => {
  const second = ownCa({ name: 'mesh 2', nowMs, issuer: root });
  give([second, root]);
  expect((await reload()).text).toMatch(/has a new intermediate, which is being rotated in/);
  await signedBy(second.certificate.serial);
  const otherRoot = ownCa({ name: 'Other root', nowMs });
  const third = ownCa({ name: 'mesh 3', nowMs, issuer: otherRoot });
  give([third, otherRoot]);
  plane.process.kill('SIGHUP');
  await signedBy(third.certificate.serial);
});
