import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { type KernelLock, type LockKind, parseKernelLocks } from './kernel-locks.ts';

/** What stat(2) says of a file, as `fstatSync` with `bigint` does. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** What is known of the locks of this machine. */
export interface SystemLocks {
  readonly locks: readonly KernelLock[];
  /** Whether a process has a file open, as far as this one may look. */
  hasOpen(pid: number, file: FileIdentity): boolean;
}

/**
 * The process that keeps others from `file` by a lock of `kind`, by the kernel's list: it cannot be out of date, as
 * a number written to a file could. Undefined when the system does not tell: it is none of this container or of this
 * machine, or there is no such list. Nobody is named who might be another one.
 */
export function lockHolder(
  file: FileIdentity,
  kind: LockKind,
  { locks, hasOpen }: SystemLocks = systemLocks(),
): number | undefined {
  const pids = locks.flatMap(({ pid, inode, device, ...lock }) => {
    if (pid === undefined || lock.kind !== kind || lock.access !== 'WRITE') return [];
    if (inode !== file.ino) return [];
    // On btrfs and overlayfs stat(2) has a device number of its own, and an inode's number is not unique elsewhere.
    return device === file.dev || hasOpen(pid, file) ? pid : [];
  });
  const [first, ...others] = new Set(pids);
  return others.length === 0 ? first : undefined;
}

/** How messages call it: `process 4711`. */
export function holderText(pid: number | undefined): string {
  if (pid === undefined) return 'another process';
  return pid === process.pid ? `this process (${pid})` : `process ${pid}`;
}

function systemLocks(): SystemLocks {
  return { locks: numbersAreOurs() ? parseKernelLocks(kernelList()) : [], hasOpen };
}

function kernelList(): string {
  try {
    return readFileSync('/proc/locks', 'utf8');
  } catch {
    // Not Linux, or a sandbox without it.
    return '';
  }
}

/** A /proc of another PID namespace numbers processes otherwise than this process, and who reads its messages, does. */
function numbersAreOurs(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch {
    return false;
  }
}

function hasOpen(pid: number, { dev, ino }: FileIdentity): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const open = statSync(`/proc/${pid}/fd/${fd}`, { bigint: true, throwIfNoEntry: false });
      return open?.ino === ino && open.dev === dev;
    });
  } catch {
    // Another user's process, or one that has just ended.
    return false;
  }
}
