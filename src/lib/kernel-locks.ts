/** How a file was locked: by flock(2), by fcntl(2) for a process, or by fcntl(2) for one open file. */
export type LockKind = 'FLOCK' | 'POSIX' | 'OFDLCK';

/** A lock that somebody has, as the kernel lists it. */
export interface KernelLock {
  readonly kind: LockKind;
  readonly access: 'READ' | 'WRITE';
  /** Undefined for a lock of an open file, and for one that another machine has. */
  readonly pid: number | undefined;
  /** As stat(2) numbers it, of the whole file system: not always what stat(2) says of a file there. */
  readonly device: bigint;
  readonly inode: bigint;
}

/** `12: FLOCK  ADVISORY  WRITE 4711 fd:01:815 0 EOF`. Who only waits for a lock has an arrow before its kind. */
const LINE =
  /^\d+: (FLOCK|POSIX|OFDLCK) +(?:ADVISORY|MANDATORY) +(READ|WRITE) (-?\d{1,10}) ([0-9a-f]{2,8}):([0-9a-f]{2,8}):(\d{1,20}) /;

/** The locks in the text of /proc/locks, proc_locks(5). Lines of another form count for nothing. */
export function parseKernelLocks(text: string): readonly KernelLock[] {
  return text.split('\n').flatMap((line) => {
    const [, kind, access, pid, major = '', minor = '', inode = ''] = LINE.exec(line) ?? [];
    if (kind === undefined) return [];
    return {
      kind: kind as LockKind,
      access: access as KernelLock['access'],
      pid: Number(pid) > 0 ? Number(pid) : undefined,
      device: deviceNumber(Number.parseInt(major, 16), Number.parseInt(minor, 16)),
      inode: BigInt(inode),
    };
  });
}

/** As makedev(3) of Linux does it. */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (
    ((high & ~0xfffn) << 32n) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | (low & 0xffn)
  );
}
