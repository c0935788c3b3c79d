import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { eventually } from '../kit/eventually.ts';
import { hauberk } from '../kit/hauberk.ts';

const binary = fileURLToPath(new URL('../../bin/hauberk', import.meta.url));
const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front, namespace: shop }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [a.example.org] }]
`;

let plane: ControlPlaneRig;
let scratch: string;

beforeAll(async () => {
  plane = await controlPlaneRig();
  scratch = mkdtempSync(join(tmpdir(), 'hauberk-streams-'));
  await plane.apply(SHOP);
});
afterAll(async () => {
  await plane.close();
  rmSync(scratch, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
}

function start(args: string, output: number | 'pipe' = 'pipe'): Running {
  const child = spawn(process.execPath, [binary, ...args.split(' ')], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', KUBECONFIG: plane.kubeconfig },
    stdio: ['ignore', output, 'pipe'],
  });
  const text = { out: '', error: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    text.out += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    text.error += chunk.toString();
  });
  const ended = new Promise<number | string | null>((resolve) => {
    // Not at its exit: what it said last may still be in the pipe.
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  return { child, stdout: () => text.out, stderr: () => text.error, ended };
}

async function good(args: string): Promise<string> {
  const result = await hauberk(args.split(' '), { env: { KUBECONFIG: plane.kubeconfig } });
  expect(result).toMatchObject({ code: 0 });
  return result.stdout;
}

async function stop({ child, ended }: Running): Promise<number | string | null> {
  child.kill('SIGINT');
  return ended;
}

describe('hauberk logs', () => {
  const LOGS = 'logs istiod-0 -n istio-system';

  it('takes the last lines, and those since a time', async () => {
    expect((await good(`${LOGS} --tail=1`)).trim().split('\n')).toHaveLength(1);
    expect(await good(`${LOGS} --since=1h`)).toContain('resource.created');
    expect(await good(`${LOGS} --since-time=2999-01-01T00:00:00Z`)).toBe('');
    const bad = await hauberk([...LOGS.split(' '), '--since-time=yesterday'], {
      env: { KUBECONFIG: plane.kubeconfig },
    });
    expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining('"yesterday"')]);
  });

  it('follows, until Ctrl-C', async () => {
    const following = start(`${LOGS} -f --tail=1`);
    await eventually('the last line', () => following.stdout().includes('\n'));
    await plane.apply(GATEWAY);
    await eventually('the new line', () => following.stdout().includes('shop/front'));
    expect(await stop(following)).toBe(0);
  });
});

it('hauberk events -w shows what happens as it happens, until Ctrl-C', async () => {
  const watching = start('events -n shop -w');
  await eventually('an Event', () => watching.stdout().includes('Gateway/front'));
  await plane.apply(GATEWAY.replace('name: front', 'name: back'));
  await eventually('the next', () => watching.stdout().includes('Gateway/back'));
  expect(await stop(watching)).toBe(0);
});

it.each(['get ns', 'get ns -o yaml', '--help'])(
  'hauberk %s says that its output cannot be written',
  async (args) => {
    const full = openSync('/dev/full', 'w');
    const running = start(args, full);
    closeSync(full);
    expect({ code: await running.ended, stderr: running.stderr() }).toEqual({
      code: 3,
      stderr: 'hauberk: cannot write the output: ENOSPC: no space left on device, write\n',
    });
  },
);

it('hauberk wait is ended by Ctrl-C as shells expect it', async () => {
  const waiting = start('wait ns/shop --for=condition=Never --timeout=60s');
  const before = plane.requests();
  await eventually('its watch', () => plane.requests() !== before);
  expect(['SIGINT', 130]).toContain(await stop(waiting));
});

it('hauberk apply stops at Ctrl-C between two objects, and goes on when it is run again', async () => {
  const count = 300;
  const file = join(scratch, 'many.yaml');
  const one = (index: number) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: many-${index}, namespace: shop }\ndata: { a: b }\n`;
  writeFileSync(file, Array.from({ length: count }, (_, index) => one(index)).join('---\n'));
  const applying = start(`apply -f ${file}`);
  await eventually('the first', () => applying.stdout().includes('created'), 30_000);
  expect(await stop(applying)).toBe(130);
  const said = /stopped after (\d+) objects; apply again to go on/.exec(applying.stderr());
  const stored = (await good('get cm -n shop -o name')).split('\n').filter((name) => name !== '');
  expect(stored.length).toBeGreaterThanOrEqual(Number(said?.[1]));
  expect(stored.length).toBeLessThan(count);
  expect(await good(`get cm ${stored[0]?.split('/')[1]} -n shop -o jsonpath={.data.a}`)).toBe('b');
  await good(`apply -f ${file}`);
  const all = (await good('get cm -n shop -o name')).trim().split('\n');
  expect(all).toHaveLength(count);
});
