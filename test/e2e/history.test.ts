import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { hauberk } from '../kit/hauberk.ts';

let plane: ControlPlaneRig;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});
afterAll(() => plane.close());

const pa = (mode: string, name = 'default'): string =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: ${name}, namespace: shop }\nspec: { mtls: { mode: ${mode} } }\n`;

const cli = (...args: readonly string[]) => hauberk([...args, '--data-dir', plane.dataDir]);

it('shows the versions of an object, what changed, and goes back', async () => {
  await plane.apply(pa('STRICT'));
  await plane.apply(pa('DISABLE'));
  const object = ['peerauthentication', 'default', '-n', 'shop'];
  const { stdout } = await cli('history', ...object, '-o', 'json');
  const versions: { version: string; type: string }[] = JSON.parse(stdout);
  expect(versions.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED']);
  const diff = await cli('diff', ...object);
  expect(diff.code).toBe(1);
  expect(diff.stdout).toBe('- spec.mtls.mode: "STRICT"\n+ spec.mtls.mode: "DISABLE"\n');
  expect((await cli('rollback', ...object)).stdout).toContain('default configured');
  expect((await cli('get', ...object, '-o', 'json')).stdout).toContain('STRICT');
  const unknown = await cli('rollback', ...object, '--to', '1');
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('known are');
});

it('brings back what was deleted', async () => {
  await plane.apply(pa('STRICT', 'gone'));
  await cli('delete', 'pa', 'gone', '-n', 'shop');
  expect((await cli('rollback', 'pa', 'gone', '-n', 'shop')).stdout).toContain('gone created');
});

it('makes everything what it was at a time, or says what it would do', async () => {
  await plane.apply(pa('STRICT', 'kept'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const to = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await plane.apply(pa('DISABLE', 'kept'));
  await plane.apply(pa('STRICT', 'later'));
  const dry = await cli('rollback', '--all', '--to', to, '--dry-run');
  expect(
    dry.stdout
      .trim()
      .split('\n')
      .toSorted((a, b) => (a < b ? -1 : 1)),
  ).toEqual([
    'peerauthentication.security.istio.io/kept configured (namespace shop)',
    'peerauthentication.security.istio.io/later deleted (namespace shop)',
  ]);
  expect((await cli('get', 'pa', 'later', '-n', 'shop')).code).toBe(0);
  expect((await cli('rollback', '--all', '--to', to)).code).toBe(0);
  expect((await cli('get', 'pa', 'later', '-n', 'shop')).code).toBe(1);
  expect((await cli('get', 'pa', 'kept', '-n', 'shop', '-o', 'json')).stdout).toContain('STRICT');
});

it('does not roll back what the control plane writes', async () => {
  const { code, stderr } = await cli('rollback', 'secret', 'istio-ca-secret', '-n', 'istio-system');
  expect(code).toBe(1);
  expect(stderr).toMatch(/earlier version|own/);
});

it('follows the chain of the audit log, and shows where it was altered', async () => {
  const whole = await cli('audit', 'verify', '-o', 'json');
  expect(whole.code).toBe(0);
  const { lines, head } = JSON.parse(whole.stdout);
  expect(lines).toBeGreaterThan(5);
  const copy = join(plane.dataDir, 'altered.log');
  const text = readFileSync(join(plane.dataDir, 'audit.log'), 'utf8');
  writeFileSync(copy, text.replace('resource.created', 'resource.deleted'));
  const altered = await hauberk(['audit', 'verify', '--file', copy]);
  expect(altered.code).toBe(1);
  expect(altered.stdout).toMatch(/^line \d+: what stands before it/);
  writeFileSync(copy, `${text.trimEnd().split('\n').slice(0, -2).join('\n')}\n`);
  const cut = await hauberk(['audit', 'verify', '--file', copy, '--expect', head]);
  expect(cut.code).toBe(1);
  expect(cut.stdout).toContain('lines were cut off');
});
