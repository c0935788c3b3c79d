import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { callAdmin } from '../../src/app/admin-client.ts';
import { readStatus } from '../../src/app/sidecar/sidecar-socket.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { eventually } from '../kit/eventually.ts';
import { freePorts } from '../kit/free-ports.ts';

const binary = fileURLToPath(new URL('../../bin/hauberk', import.meta.url));
/** Their lines together are far more than a pipe holds. */
const CONNECTIONS = 400;
const PATIENCE_MS = 60_000;

const directory = mkdtempSync(join(tmpdir(), 'hauberk-unread-'));
const children: ChildProcess[] = [];
let plane: ControlPlaneRig;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

function start(args: readonly string[], output: number): ChildProcess {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' };
  const child = spawn(process.execPath, [binary, ...args], {
    ...{ env, stdio: ['ignore', output, output] },
  });
  closeSync(output);
  children.push(child);
  return child;
}

/** A pipe with a reader that does not read yet. */
function unreadPipe(name: string): { readonly output: number; readonly reader: number } {
  const path = join(directory, name);
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, output: openSync(path, constants.O_WRONLY) };
}

/** A sidecar whose every connection fails, and makes a line of its log. */
async function sidecarTo(name: string, output: number) {
  const stateDir = join(directory, name);
  mkdirSync(stateDir, { mode: 0o700 });
  const tokenFile = join(stateDir, 'token');
  writeFileSync(tokenFile, await plane.createToken('shop', 'products'), { mode: 0o600 });
  const [hbone = 0, port = 0] = await freePorts(2);
  const child = start(
    [
      ...['sidecar', '--control-plane', `127.0.0.1:${plane.xdsPort}`, '--token-file', tokenFile],
      ...['--state-dir', stateDir, '--name', name, '--hbone', `127.0.0.1:${hbone}`],
      ...['--outbound', `127.0.0.1:${port}=nowhere.example.org:80`, '--access-log', 'all'],
      ...['--metrics', 'off', '--readiness', 'off', '--drain-timeout', '1s'],
    ],
    output,
  );
  const answers = (): Promise<boolean> =>
    readStatus(stateDir).then(
      () => true,
      () => false,
    );
  await eventually('the sidecar to be ready', answers, PATIENCE_MS);
  return { child, port, answers };
}

async function connectOften(port: number): Promise<void> {
  for (let count = 0; count < CONNECTIONS; count++) {
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('hello'));
      socket.on('error', () => undefined).on('close', () => resolve());
      socket.resume();
    });
  }
}

function endOf(child: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  return ended;
}

describe('a sidecar', () => {
  it('goes on while nobody reads its log, and has all lines for who reads later', async () => {
    const { output, reader } = unreadPipe('log');
    const { child, port, answers } = await sidecarTo('unread', output);
    await connectOften(port);
    expect(await answers()).toBe(true);
    const lines: string[] = [];
    const reading = createInterface({ input: new Socket({ fd: reader }) });
    reading.on('line', (line) => lines.push(line));
    const over = new Promise((resolve) => reading.once('close', resolve));
    const failed = (): string[] => lines.filter((line) => line.includes('"upstream failed"'));
    await eventually('every line', () => failed().length === CONNECTIONS, PATIENCE_MS);
    expect(await endOf(child)).toBe(0);
    await over;
    expect(lines.at(-1)).toContain('sidecar stopped');
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('msg');
  });

  it('goes on where the disk of its log is full', async () => {
    const { child, port, answers } = await sidecarTo('full', openSync('/dev/full', 'w'));
    await connectOften(port);
    expect(await answers()).toBe(true);
    expect(await endOf(child)).toBe(0);
  });
});

describe('a control plane', () => {
  it('starts and goes on where nothing that it prints can be written', async () => {
    const dataDir = join(directory, 'data');
    const listen = ['--xds', '127.0.0.1:0', '--api-listen', '127.0.0.1:0', '--metrics', 'off'];
    const child = start(['up', '--data-dir', dataDir, ...listen], openSync('/dev/full', 'w'));
    const answers = async (): Promise<boolean> => {
      const call = callAdmin(dataDir, { method: 'GET', path: '/v1/ca/status' });
      return (await call.catch(() => undefined)) !== undefined;
    };
    await eventually('the control plane to answer', answers, PATIENCE_MS);
    expect(await endOf(child)).toBe(0);
  });
});
