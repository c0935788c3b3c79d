import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig } from '../kit/control-plane-rig.ts';
import { peer } from '../kit/peer.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const EXPORT = 'export KUBECONFIG=';

/** The commands of the block that begins with the kubeconfig. */
function session(readme: string): readonly string[] {
  const text = readFileSync(join(root, readme), 'utf8');
  const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block);
  const block = blocks.find((one) => one.startsWith(EXPORT)) ?? '';
  return block
    .trim()
    .split('\n')
    .map((line) => line.replace(/ +# .*$/, ''));
}

let plane: ControlPlaneRig;
/** A home in which ~/.hauberk is that control plane's directory. */
let home: string;

beforeAll(async () => {
  plane = await controlPlaneRig();
  home = mkdtempSync(join(tmpdir(), 'hauberk-readme-'));
  symlinkSync(plane.dataDir, join(home, '.hauberk'));
  writeFileSync(
    join(home, 'hauberk'),
    `#!/bin/sh\nexec ${process.execPath} ${root}/bin/hauberk "$@"\n`,
    {
      mode: 0o755,
    },
  );
});
afterAll(async () => {
  await plane.close();
  rmSync(home, { recursive: true, force: true });
});

/** Runs the lines in one shell that ends at the first that fails, as a newcomer would. */
function inShell(
  lines: readonly string[],
  kubectl?: string,
): Promise<{ code: number; out: string }> {
  const path = [home, ...(kubectl === undefined ? [] : [dirname(kubectl)]), process.env['PATH']];
  const env = { HOME: home, PATH: path.join(':') };
  return new Promise((resolve) => {
    const script = ['set -ex', ...lines].join('\n');
    execFile('/bin/sh', ['-c', script], { cwd: root, env, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out: out + err });
    });
  });
}

function saysWhatItShould(out: string): void {
  expect(out).toMatch(
    /peerauthentication\.security\.istio\.io\/default (created|configured|unchanged)/,
  );
  expect(out).toMatch(/shop +default +STRICT/);
  expect(out).toContain('MUTUAL');
  expect(out).toContain('default patched');
  expect(out).toMatch(/Mode: +PERMISSIVE/);
  expect(out).toContain('resource.created');
  expect(out).toMatch(/MODIFIED/);
  expect(out).toMatch(/default configured/);
}

it('says the same in both languages', () => {
  expect(session('README.md').length).toBeGreaterThan(8);
  expect(session('README.zh-CN.md')).toEqual(session('README.md'));
});

describe('the session of the README, line by line', () => {
  it('goes as written with hauberk in the place of kubectl', async () => {
    const lines = session('README.md').filter((line) => !line.startsWith('kubectl create '));
    const { code, out } = await inShell(lines.map((line) => line.replace(/^kubectl /, 'hauberk ')));
    expect(code, out).toBe(0);
    saysWhatItShould(out);
  });

  peer('kubectl', (path) => {
    it('goes as written', async () => {
      const { code, out } = await inShell(session('README.md'), path);
      expect(code, out).toBe(0);
      saysWhatItShould(out);
    });
  });
});
