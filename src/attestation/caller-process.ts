import { readFile, readlink } from 'node:fs/promises';
import { MeshError, messageOf } from '../lib/errors.ts';
import type { FileHash } from './file-hash.ts';
import type { PeerCredentials } from './peer-credentials.ts';

/** A caller on a Unix socket, and when it connected, by `ticksSinceBoot`. */
export interface Connected {
  readonly credentials: PeerCredentials;
  readonly atTicks: number;
}

/** What the kernel says of a process; what it does not tell this user is undefined. */
export interface CallerProcess {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly path: string | undefined;
  readonly sha256: string | undefined;
  readonly cgroup: string | undefined;
}

export interface ReadOptions {
  /** Undefined leaves the executable unhashed. */
  readonly hash: FileHash | undefined;
  /** Default `/proc`. */
  readonly proc?: string;
}

/**
 * Looks a caller up in /proc. Its number may be another process's by now: one that began after the
 * connection was made, or that is another one at the end of the reading, is not the caller. uid and gid
 * are the connection's, which nobody can change.
 *
 * @throws {MeshError} ERR_UNAUTHENTICATED when the caller is gone.
 */
export async function readCallerProcess(
  { credentials, atTicks }: Connected,
  { hash, proc = '/proc' }: ReadOptions,
): Promise<CallerProcess> {
  const { pid, uid, gid } = credentials;
  const directory = `${proc}/${pid}`;
  const began = await startOf(directory, pid);
  if (began > atTicks) {
    throw gone(pid, `the process that has the number now began after the connection was made`);
  }
  const path = await readlink(`${directory}/exe`).catch(() => undefined);
  const cgroup = await cgroupOf(directory);
  const sha256 = await hash?.(`${directory}/exe`);
  if ((await startOf(directory, pid)) !== began) throw gone(pid, 'another process took its number');
  return { pid, uid, gid, path, sha256, cgroup };
}

/** Field 22 of proc_pid_stat(5). The name before it may have spaces and brackets of its own. */
async function startOf(directory: string, pid: number): Promise<number> {
  let text: string;
  try {
    text = await readFile(`${directory}/stat`, 'utf8');
  } catch (cause) {
    throw gone(pid, messageOf(cause));
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[19]);
  if (Number.isInteger(ticks) && ticks >= 0) return ticks;
  throw gone(pid, `${directory}/stat cannot be read`);
}

/** Of the unified hierarchy; on a host that has none, of systemd's. */
async function cgroupOf(directory: string): Promise<string | undefined> {
  const text = await readFile(`${directory}/cgroup`, 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? []);
  const unified = lines.find(([, id, controllers]) => id === '0' && controllers === '');
  const systemd = lines.find(([, , controllers]) => controllers === 'name=systemd');
  return (unified ?? systemd)?.[3];
}

function gone(pid: number, why: string): MeshError {
  return new MeshError('ERR_UNAUTHENTICATED', `process ${pid} cannot be looked up: ${why}`);
}
