import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Hindrance, itHindered, runHindered } from '../../test/kit/hindered.ts';
import { type FileLock, lockFile } from './file-lock.ts';

const LOCK = `
import { lockFile } from ${JSON.stringify(new URL('./file-lock.ts', import.meta.url).href)};
try {
  const lock = lockFile(process.argv[1]);
  console.log('heldBy' in lock ? 'refused' : 'held');
} catch ({ code, message }) {
  console.log(code + ' ' + message);
}
`;
const HOLD = `${LOCK}\nsetInterval(() => undefined, 1_000);`;

describe('lockFile', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hauberk-file-lock-'));
    path = join(directory, 'x.lock');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const taken = (): FileLock => {
    const lock = lockFile(path);
    if ('release' in lock) return lock;
    throw new Error(`held by ${lock.heldBy}`);
  };

  it('is had by one at a time, and says by which process', () => {
    const lock = taken();
    expect(lockFile(path)).toEqual({ heldBy: process.pid });
    lock.release();
    const next = taken();
    // Who has released it has no more to say about it.
    lock.release();
    expect(lockFile(path)).toEqual({ heldBy: process.pid });
    next.release();
  });

  it('is dropped by the kernel when its process is killed', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', HOLD, path]);
    const said = await new Promise((resolve) => {
      child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
      child.stderr.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    });
    expect(said).toBe('held');
    expect(lockFile(path)).toEqual({ heldBy: child.pid });
    const link = join(directory, 'link.lock');
    symlinkSync(path, link);
    expect(lockFile(link)).toEqual({ heldBy: child.pid });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    taken().release();
  });

  it('does not care for what is in the file, and leaves it', () => {
    writeFileSync(path, '4711\n', { mode: 0o600 });
    const lock = taken();
    expect(lockFile(path)).toEqual({ heldBy: process.pid });
    expect(readFileSync(path, 'utf8')).toBe('4711\n');
    lock.release();
  });

  it('makes an empty file that only its user may read and write', () => {
    taken().release();
    expect(statSync(path)).toMatchObject({ mode: 0o100600, size: 0 });
  });

  it('is asked for again when a signal came between', () => {
    const answers = [constants.errno.EINTR, constants.errno.EINTR, 0];
    const lock = lockFile(path, () => answers.shift() ?? -1);
    expect(lock).toHaveProperty('release');
    if ('release' in lock) lock.release();
    expect(answers).toEqual([]);
  });

  it.each([
    ['ENOLCK', 'its file system does not lend locks, as some'],
    ['EOPNOTSUPP', 'its file system does not lend locks, as some'],
    ['EIO', 'the disk failed; look at its health'],
    ['EBADF', 'flock(2) failed with EBADF'],
  ] as const)('names no holder when the system refuses with %s', (code, why) => {
    const message = `"${path}" cannot be locked: ${why}`;
    const holder = taken();
    const attempt = (): unknown => lockFile(path, () => constants.errno[code]);
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'ERR_STORE', message: expect.stringContaining(message) }),
    );
    holder.release();
  });

  it.each([
    ['a directory', (at: string) => mkdirSync(at), 'it is a directory; move that away'],
    ['a FIFO', (at: string) => execFileSync('mkfifo', [at]), 'is no plain file; move it away'],
    ['a link to itself', (at: string) => symlinkSync(at, at), 'the symbolic links on the way'],
    [
      'a link into nowhere',
      (at: string) => symlinkSync('nowhere/x', at),
      'a symbolic link on the way to it leads nowhere',
    ],
  ])('says that %s is in its place', (_what, make, why) => {
    make(path);
    expect(() => lockFile(path)).toThrow(
      expect.objectContaining({ code: 'ERR_STORE', message: expect.stringContaining(why) }),
    );
    expect(() => lockFile(path)).toThrow(`the lock file "${path}"`);
  });

  it.each([
    ['no.directory/x.lock', 'it does not exist, or a directory'],
    ['file/x.lock', 'a part of the path is not a directory'],
    [`${'n'.repeat(300)}.lock`, 'the path is too long'],
  ])('says what is wrong with the path %s', (name, why) => {
    writeFileSync(join(directory, 'file'), '');
    const at = join(directory, name);
    expect(() => lockFile(at)).toThrow(`the lock file "${at}" cannot be opened: ${why}`);
  });

  const hindered = (hindrance: Hindrance): string => {
    const command = [process.execPath, '--input-type=module', '-e', LOCK, path];
    const { stdout, stderr } = runHindered(hindrance, directory, command);
    return stdout + stderr;
  };

  itHindered.each<[Hindrance, string]>([
    ['no right', `user "${userInfo().username}" has no right to do that; change the owner`],
    ['read-only', 'its file system is read-only; make that writable'],
    ['no inode left', 'the disk is full; free some space there and try again'],
  ])(
    'cannot be made with %s, and nobody is said to have it (needs unshare, setpriv)',
    (hindrance, why) => {
      expect(hindered(hindrance)).toContain(
        `ERR_STORE the lock file "${path}" cannot be opened: ${why}`,
      );
    },
  );

  itHindered('is taken on a full disk (needs unshare)', () => {
    expect(hindered('full disk')).toBe('held\n');
  });
});
