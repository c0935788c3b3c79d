import { closeSync, fstatSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockFile } from './file-lock.ts';
import type { KernelLock } from './kernel-locks.ts';
import { holderText, lockHolder } from './lock-holder.ts';

const file = { dev: 0xfd01n, ino: 815n };
const flock: KernelLock = {
  ...{ kind: 'FLOCK', access: 'WRITE' },
  ...{ pid: 4711, device: file.dev, inode: file.ino },
};

function holder(locks: readonly KernelLock[], open: readonly number[] = []): number | undefined {
  const hasOpen = (pid: number): boolean => open.includes(pid);
  return lockHolder(file, 'FLOCK', { locks, hasOpen });
}

describe('lockHolder', () => {
  it('is the process that the kernel lists for the file', () => {
    expect(holder([{ ...flock, inode: 816n, pid: 1 }, flock])).toBe(4711);
  });

  it('is nobody of whom the file is another one, on the same disk or with the same number', () => {
    expect(holder([{ ...flock, inode: 816n }])).toBeUndefined();
    expect(holder([{ ...flock, device: 0x2fn }])).toBeUndefined();
  });

  it('is nobody who locked it in another way, or lets others read', () => {
    expect(holder([{ ...flock, kind: 'POSIX' }])).toBeUndefined();
    expect(holder([{ ...flock, access: 'READ' }])).toBeUndefined();
  });

  it('has no number when it is outside of the container or on another machine', () => {
    expect(holder([{ ...flock, pid: undefined }])).toBeUndefined();
    expect(holder([])).toBeUndefined();
  });

  it('is found where stat(2) has another device number, by what it has open', () => {
    const elsewhere = { ...flock, device: 0x2fn };
    expect(holder([{ ...elsewhere, pid: 12 }, elsewhere], [4711])).toBe(4711);
  });

  it('is not guessed when two may be meant', () => {
    expect(holder([flock, { ...flock, pid: 12 }])).toBeUndefined();
    // SQLite's lock of one process may be in several pieces.
    expect(holder([flock, flock])).toBe(4711);
  });

  it.runIf(process.platform === 'linux')('asks the system', () => {
    const path = join(tmpdir(), `hauberk-lock-holder-${process.pid}`);
    const lock = lockFile(path);
    const fd = openSync(path, 'r');
    const identity = fstatSync(fd, { bigint: true });
    expect(lockHolder(identity, 'FLOCK')).toBe(process.pid);
    expect(lockHolder(identity, 'POSIX')).toBeUndefined();
    if ('release' in lock) lock.release();
    expect(lockHolder(identity, 'FLOCK')).toBeUndefined();
    closeSync(fd);
    rmSync(path);
  });
});

it('is called by its number where there is one', () => {
  const calls = [4711, process.pid, undefined].map(holderText);
  expect(calls).toEqual(['process 4711', `this process (${process.pid})`, 'another process']);
});
