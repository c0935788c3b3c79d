import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { callAdmin } from '../../src/app/admin-client.ts';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { controlPlaneProcess } from '../kit/control-plane-process.ts';
import { eventually } from '../kit/eventually.ts';
import { freePorts } from '../kit/free-ports.ts';
import { itHindered } from '../kit/hindered.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-keys-'));
const group = new ProcessGroup(directory);
const started: ChildProcess[] = [];
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await group.stop();
  rmSync(directory, { recursive: true, force: true });
});

it('a signal does not open a debugger to the keys of the control plane', async () => {
  const [xdsPort = 0] = await freePorts(1);
  const dataDir = join(directory, 'data');
  const plane = await controlPlaneProcess({ group, dataDir, xdsPort });
  plane.process.kill('SIGUSR1');
  // Node says on stderr that its debugger listens, or that it cannot.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(plane.process.log()).not.toMatch(/Debugger listening|Starting inspector/);
  expect(await plane.status()).toMatchObject({ rotation: { phase: 'steady' } });
});

const binary = fileURLToPath(new URL('../../bin/hauberk', import.meta.url));
/** Without these root may look into what any user may: processes of its own that do not forbid it. */
const AS_ANYBODY =
  process.getuid?.() === 0
    ? ['setpriv', '--bounding-set=-sys_ptrace,-sys_admin,-perfmon']
    : (['env'] as const);

function startAsAnybody(command: readonly string[]): ChildProcess {
  const [program = '', ...args] = [...AS_ANYBODY, ...command];
  const child = spawn(program, args, { stdio: 'ignore' });
  started.push(child);
  return child;
}

function mayLookInto({ pid }: ChildProcess): boolean {
  const [program = '', ...args] = [...AS_ANYBODY, 'cat', `/proc/${pid}/maps`];
  const { status, stdout } = spawnSync(program, args);
  return status === 0 && stdout.length > 0;
}

itHindered('no process of the same user looks into its memory (needs setpriv)', async () => {
  const dataDir = join(directory, 'unseen');
  const listen = ['--xds', '127.0.0.1:0', '--api-listen', '127.0.0.1:0', '--metrics', 'off'];
  const plane = startAsAnybody([process.execPath, binary, 'up', '--data-dir', dataDir, ...listen]);
  const answers = async (): Promise<boolean> => {
    const call = callAdmin(dataDir, { method: 'GET', path: '/v1/ca/status' });
    return (await call.catch(() => undefined)) !== undefined;
  };
  await eventually('the control plane to answer', answers, 60_000);
  expect(mayLookInto(plane)).toBe(false);
  const other = startAsAnybody([process.execPath, '-e', 'setInterval(() => undefined, 1_000)']);
  await eventually('a process that may be seen', () => mayLookInto(other), 60_000);
});
