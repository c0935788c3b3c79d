import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFile } from './file-lock.ts';

const HOLD = `
import { lockFile } from ${JSON.stringify(new URL('./file-lock.ts', import.meta.url).href)};
const lock = lockFile(process.argv[1]);
console.log('heldBy' in lock ? 'refused' : 'held');
setInterval(() => undefined, 1_000);
`;

describe('lockFile', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hauberk-file-lock-'));
    path = join(directory, 'x.lock');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is had by one at a time, and says by which process', () => {
    const lock = lockFile(path);
    expect(lockFile(path)).toEqual({ heldBy: process.pid });
    if ('release' in lock) lock.release();
    const next = lockFile(path);
    expect(next).toHaveProperty('release');
    // Who has released it has no more to say about it.
    if ('release' in lock) lock.release();
    expect(lockFile(path)).toEqual({ heldBy: process.pid });
  });

  it('is dropped by the kernel when its process is killed', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', HOLD, path]);
    const said = await new Promise((resolve) => {
      child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
      child.stderr.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    });
    expect(said).toBe('held');
    expect(lockFile(path)).toEqual({ heldBy: child.pid });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    expect(lockFile(path)).toHaveProperty('release');
  });

  it('means nothing by what is in the file, which only its user may read', () => {
    writeFileSync(path, 'no number\n', { mode: 0o600 });
    expect(lockFile(path)).toHaveProperty('release');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
