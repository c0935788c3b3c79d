import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { until } from '../../src/app/demo/until.ts';
import { callJsonSocket } from '../../src/lib/json-socket-call.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';

const binary = fileURLToPath(new URL('../../bin/hauberk', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'hauberk-run-'));
let plane: ControlPlaneRig;
let runs = 0;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});
afterAll(async () => {
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly stateDir: string;
  /** What the program wrote into `$OUT`. */
  out(): string;
  log(): string;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

/** `hauberk run` of a shell that does `script`, in which `say` writes a line to where `out` reads it. */
async function run(script: string, ...flags: readonly string[]): Promise<Run> {
  runs += 1;
  const stateDir = join(directory, `run-${runs}`);
  const out = join(directory, `out-${runs}`);
  const token = join(directory, `token-${runs}`);
  writeFileSync(out, '');
  writeFileSync(token, await plane.createToken('shop', 'products'), { mode: 0o600 });
  const [hbone] = await freePorts(1);
  const child = spawn(
    process.execPath,
    [
      ...[binary, 'run', '--service-account', 'shop/products', '--token-file', token],
      ...['--control-plane', `127.0.0.1:${plane.xdsPort}`, '--state-dir', stateDir],
      ...['--hbone', `127.0.0.1:${hbone}`, '--drain-timeout', '1s', '--metrics', 'off'],
      ...['--readiness', 'off', ...flags, '--', '/bin/sh', '-c'],
      `say() { echo "$1" >> "$OUT"; }; ${script}`,
    ],
    { env: { PATH: process.env['PATH'] ?? '', OUT: out }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'gone')),
  );
  onTestFinished(() => {
    child.kill('SIGKILL');
    for (const pid of readFileSync(out, 'utf8').match(/(?<=pid )\d+/g) ?? []) killed(Number(pid));
  });
  return { child, stateDir, out: () => readFileSync(out, 'utf8'), log: () => text, ended };
}

function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** As a successor on the same state directory would. */
function drainSidecar({ stateDir }: Run): Promise<unknown> {
  const call = { method: 'POST', path: '/v1/drain' } as const;
  return callJsonSocket(join(stateDir, 'agent.sock'), call, String);
}

/** Runs in the foreground and is woken by signals. */
const WAIT = 'say "pid $$"; say ready; while :; do sleep 0.05; done';

async function ready(program: Run): Promise<number> {
  await until(`the program runs: ${program.log()}`, async () => program.out().includes('ready'));
  return Number(/pid (\d+)/.exec(program.out())?.[1]);
}

/** That the sidecar has drained and is gone, not only its program. */
function hasDrained(program: Run): void {
  expect(program.log()).toContain('"draining"');
  expect(program.log()).toContain('"sidecar stopped"');
}

it.each([0, 7])("ends with the program's own exit code %i, drained", async (code) => {
  const program = await run(`exit ${code}`);
  expect(await program.ended).toBe(code);
  hasDrained(program);
});

it('ends with 128 and the number of the signal that killed the program', async () => {
  const program = await run(WAIT);
  process.kill(await ready(program), 'SIGKILL');
  expect(await program.ended).toBe(137);
  hasDrained(program);
});

it.each<[NodeJS.Signals, number]>([
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
])(
  'passes %s on to a program that does nothing about it, and ends with %i',
  async (signal, code) => {
    const program = await run(WAIT);
    const pid = await ready(program);
    program.child.kill(signal);
    expect(await program.ended).toBe(code);
    expect(isAlive(pid)).toBe(false);
    hasDrained(program);
  },
);

it('lets the program finish its own way, and takes its exit code', async () => {
  const program = await run(`trap 'say asked; exit 3' TERM; ${WAIT}`);
  await ready(program);
  program.child.kill('SIGTERM');
  expect(await program.ended).toBe(3);
  expect(program.out()).toContain('asked');
});

it('keeps the sidecar for as long as a program that ignores SIGTERM goes on', async () => {
  const program = await run(`trap 'say heard' TERM; ${WAIT}`);
  const pid = await ready(program);
  program.child.kill('SIGTERM');
  await until('the program has heard', async () => program.out().includes('heard'));
  expect(isAlive(pid)).toBe(true);
  expect(program.log()).not.toContain('"draining"');
  process.kill(pid, 'SIGKILL');
  expect(await program.ended).toBe(137);
  hasDrained(program);
});

it('passes on each Ctrl-C: a program may mean something else by the first', async () => {
  const trap = `trap 'n=$((n+1)); say "heard $n"; [ "$n" = 2 ] && exit 4' INT`;
  const program = await run(`n=0; ${trap}; ${WAIT}`);
  await ready(program);
  program.child.kill('SIGINT');
  await until('the program has heard', async () => program.out().includes('heard 1'));
  program.child.kill('SIGINT');
  expect(await program.ended).toBe(4);
  hasDrained(program);
});

it('ends the program when the sidecar ends first, and says so with code 3', async () => {
  const program = await run(WAIT);
  const pid = await ready(program);
  await drainSidecar(program);
  expect(await program.ended).toBe(3);
  expect(isAlive(pid)).toBe(false);
  expect(program.log()).toContain('the sidecar ended before the program');
});

it('kills a program that ignores SIGTERM when the sidecar ends first', async () => {
  const program = await run(`trap 'say again' TERM; ${WAIT}`);
  const pid = await ready(program);
  await drainSidecar(program);
  expect(await program.ended).toBe(3);
  expect(isAlive(pid)).toBe(false);
  expect(program.out()).toContain('again');
});

it('starts no program when it is stopped before the sidecar is ready', async () => {
  const program = await run('say started', '--control-plane', '127.0.0.1:1');
  await until('it tries', async () => program.log() !== '');
  program.child.kill('SIGTERM');
  expect(await program.ended).toBe(3);
  expect(program.log()).toContain('stopped before the program was started');
  expect(program.out()).toBe('');
});
