import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { constants as system } from 'node:os';
import { errno } from 'koffi';
import { MeshError } from './errors.ts';
import { fileProblem } from './file-problem.ts';
import { libcFunction } from './libc-function.ts';
import { lockHolder } from './lock-holder.ts';

const flock = libcFunction<number, [number, number]>('int flock(int fd, int operation)');

const LOCK_EX_NB = 2 | 4;
/** Does not wait for the other end of a FIFO, and makes no terminal its own. */
const OPEN = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;

/** A lock that this process has until it releases it, or ends in whatever way. */
export interface FileLock {
  release(): void;
}

/** Who has the lock, as far as the system tells. */
export interface HeldElsewhere {
  readonly heldBy: number | undefined;
}

/** Of flock(2): 0, or the number of its error. */
export type TryLock = (fd: number) => number;

/**
 * Takes flock(2)'s lock on the file at `path` (0600, made if need be) or says at once who has it. The kernel drops it
 * with the process: the file that stays behind is empty and means nothing. It does not keep out who deletes the file.
 *
 * @throws {MeshError} ERR_STORE when the file cannot be opened or locked at all.
 */
export function lockFile(path: string, tryLock: TryLock = tryFlock): FileLock | HeldElsewhere {
  const fd = openPlain(path);
  let code = tryLock(fd);
  while (code === system.errno.EINTR) code = tryLock(fd);
  if (code !== 0) {
    const file = fstatSync(fd, { bigint: true });
    closeSync(fd);
    if (code === system.errno.EWOULDBLOCK) return { heldBy: lockHolder(file, 'FLOCK') };
    throw refusal(`"${path}" cannot be locked`, systemError(code));
  }
  let held = true;
  return {
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

function openPlain(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, OPEN, 0o600);
  } catch (cause) {
    throw refusal(`the lock file "${path}" cannot be opened`, cause);
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new MeshError('ERR_STORE', `the lock file "${path}" is no plain file; move it away`);
}

function tryFlock(fd: number): number {
  return flock(fd, LOCK_EX_NB) === 0 ? 0 : errno();
}

function systemError(code: number): Error {
  const [name = `error ${code}`] =
    Object.entries(system.errno).find(([, number]) => number === code) ?? [];
  return Object.assign(new Error(`flock(2) failed with ${name}`), { code: name });
}

function refusal(what: string, cause: unknown): MeshError {
  return new MeshError('ERR_STORE', `${what}: ${fileProblem(cause)}`, { cause });
}
