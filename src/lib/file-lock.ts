import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { libcFunction } from './libc-function.ts';

const flock = libcFunction<number, [number, number]>('int flock(int fd, int operation)');

const LOCK_EX_NB = 2 | 4;

/** A lock that this process has until it releases it, or ends in whatever way. */
export interface FileLock {
  release(): void;
}

/** Who has the lock, as far as is known. */
export interface HeldElsewhere {
  readonly heldBy: number | undefined;
}

/**
 * Takes flock(2)'s lock on the file at `path` (0600, made if need be) or says at once who has it. The kernel drops it
 * with the process: the file that stays behind means nothing. It does not keep out who deletes the file.
 */
export function lockFile(path: string): FileLock | HeldElsewhere {
  const fd = openSync(path, 'a+', 0o600);
  if (flock(fd, LOCK_EX_NB) !== 0) {
    closeSync(fd);
    // Written by who has it; for a moment it may not be there yet.
    const pid = Number(readFileSync(path, 'utf8').trim());
    return { heldBy: Number.isInteger(pid) && pid > 0 ? pid : undefined };
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  let held = true;
  return {
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}
