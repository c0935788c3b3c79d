import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/kit/eventually.ts';
import { reload } from './reload-hook.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-hook-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const { signal } = new AbortController();
const run = (command: string, until = signal) =>
  reload({ kind: 'command', command }, directory, until);

function pidIn(path: string): number {
  return existsSync(path) ? Number(readFileSync(path, 'utf8').trim()) : 0;
}

/** One that nobody has waited for yet has ended too. */
function isAlive(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && readFileSync(path, 'utf8').split(') ').at(-1)?.[0] !== 'Z';
}

describe('a command', () => {
  it('is told where the files are, and nothing of the sidecar’s environment', async () => {
    process.env['HAUBERK_TOKEN'] = 'secret';
    try {
      await run('env > "$HAUBERK_SVID_DIR/env"');
    } finally {
      delete process.env['HAUBERK_TOKEN'];
    }
    const text = readFileSync(join(directory, 'env'), 'utf8');
    expect(text).toContain(`HAUBERK_SVID_DIR=${directory}\n`);
    expect(text).not.toContain('secret');
  });

  it('that fails is quoted, with what it said', async () => {
    await expect(run('echo no such daemon >&2; exit 7')).rejects.toMatchObject({
      code: 'ERR_RELOAD',
      message: expect.stringMatching(/ended with 7: no such daemon$/),
    });
  });

  it('is ended with all that it started when the sidecar stops', async () => {
    const stopping = new AbortController();
    const running = run(`sleep 600 & echo $! > '${directory}/pid'; wait`, stopping.signal);
    await eventually('it has started', () => pidIn(join(directory, 'pid')) > 0);
    const pid = pidIn(join(directory, 'pid'));
    stopping.abort();
    await expect(running).rejects.toMatchObject({ code: 'ERR_RELOAD' });
    await eventually('what it started has ended', () => !isAlive(pid));
  });
});

describe('a pid file', () => {
  const path = join(directory, 'daemon.pid');

  it('names the process that is signalled', async () => {
    const child = spawn('sleep', ['600']);
    await once(child, 'spawn');
    writeFileSync(path, `${child.pid}\n`);
    await reload({ kind: 'pid-file', path, signal: 'SIGHUP' }, directory, signal);
    expect(await once(child, 'exit')).toEqual([null, 'SIGHUP']);
  });

  it.each(['', '1', '-1', '0', 'x', '99999999'])('with %j in it signals nobody', async (text) => {
    writeFileSync(path, text);
    const reloading = reload({ kind: 'pid-file', path, signal: 'SIGHUP' }, directory, signal);
    await expect(reloading).rejects.toMatchObject({ code: 'ERR_RELOAD' });
  });
});
