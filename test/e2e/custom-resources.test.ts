import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiReply, apiClient } from '../kit/api-client.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { hauberk } from '../kit/hauberk.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const KITES = '/apis/example.org/v1/namespaces/shop/kites';
const env = { HAUBERK_BACKUP_PASSPHRASE: 'correct horse battery' };

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'kites.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { plural: 'kites', kind: 'Kite' },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { color: { type: 'string' } } },
            },
          },
        },
      },
    ],
  },
};

const kite = (color: string) => ({
  ...{ apiVersion: 'example.org/v1', kind: 'Kite' },
  ...{ metadata: { name: 'a' }, spec: { color } },
});

let directory: string;
let plane: ControlPlaneRig;
let call: ReturnType<typeof apiClient>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-custom-'));
  plane = await controlPlaneRig({ dataDir: join(directory, 'first') });
  await plane.apply(SHOP);
  call = apiClient(plane.kubeconfig);
});
afterAll(async () => {
  await plane.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function until(path: string, status: number): Promise<ApiReply> {
  const deadlineMs = Date.now() + 60_000;
  for (;;) {
    const reply = await call(path);
    if (reply.status === status) return reply;
    if (Date.now() > deadlineMs) throw new Error(`${path}: ${reply.status} ${reply.body}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const cli = (...args: readonly string[]) => hauberk([...args, '--data-dir', plane.dataDir]);
const patch = (color: string) =>
  call(`${KITES}/a`, {
    method: 'PATCH',
    body: { spec: { color } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });

describe('kinds that people define', () => {
  let before: string;

  it('have a history, and go back in it', async () => {
    before = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await call(CRDS, { method: 'POST', body: definition })).status).toBe(201);
    await until(KITES, 200);
    expect((await call(KITES, { method: 'POST', body: kite('red') })).status).toBe(201);
    expect((await patch('blue')).status).toBe(200);
    const history = await cli('history', 'kite', 'a', '-n', 'shop', '-o', 'json');
    expect(JSON.parse(history.stdout).map(({ type }: { type: string }) => type)).toEqual([
      'ADDED',
      'MODIFIED',
    ]);
    const diff = await cli('diff', 'kite', 'a', '-n', 'shop');
    expect(diff.stdout).toContain('- spec.color: "red"\n+ spec.color: "blue"');
    expect((await cli('rollback', 'kite', 'a', '-n', 'shop')).code).toBe(0);
    expect((await call(`${KITES}/a`)).json.spec.color).toBe('red');
  });

  it('are served at once after a restart', async () => {
    await plane.stop();
    plane = await controlPlaneRig({ dataDir: plane.dataDir });
    call = apiClient(plane.kubeconfig);
    expect((await call(`${KITES}/a`)).json.spec).toEqual({ color: 'red' });
  });

  it('go and come back with everything else', async () => {
    const present = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await cli('rollback', '--all', '--to', before)).stderr).toBe('');
    await until(KITES, 404);
    await until(`${CRDS}/kites.example.org`, 404);
    expect((await cli('rollback', '--all', '--to', present)).stderr).toBe('');
    const back = await until(`${KITES}/a`, 200);
    expect(back.json.spec.color).toBe('red');
  });

  it('are in a backup, and served where it is restored', async () => {
    const dataDir = join(directory, 'second');
    const file = await hauberk(['ca', 'backup', '--data-dir', plane.dataDir], {
      env,
      binary: true,
    });
    const stdin = Buffer.from(file.stdout, 'latin1');
    const restored = await hauberk(['ca', 'restore', '--data-dir', dataDir], { env, stdin });
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    await plane.stop();
    plane = await controlPlaneRig({ dataDir });
    call = apiClient(plane.kubeconfig);
    expect((await call(`${KITES}/a`)).json.spec).toEqual({ color: 'red' });
  });
});
