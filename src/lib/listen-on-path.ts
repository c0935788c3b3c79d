import { chmodSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { MeshError } from './errors.ts';
import { errorCode, fileProblem } from './file-problem.ts';

export interface SocketPath {
  readonly path: string;
  /** Of the socket file. */
  readonly mode: number;
}

/** Of struct sockaddr_un, without the zero at its end: Linux has 108 bytes, others have 104. */
const LONGEST_PATH = process.platform === 'linux' ? 107 : 103;

/**
 * Lets a server listen on a Unix socket. It appears under its name in one step when it already answers, also over
 * that of a predecessor; what those left behind who were killed before that step is removed. Returns how its name
 * is removed, which does nothing when a successor's is there: to be called before the server lets go of its clients,
 * who may be that successor. What the system refuses to accept later never ends the process.
 *
 * @throws {MeshError} ERR_LISTEN when the socket cannot be made.
 */
export async function listenOnPath(
  server: Pick<Server, 'listen' | 'close' | 'on' | 'once'>,
  { path, mode }: SocketPath,
): Promise<() => void> {
  // libuv removes at the end the name that it listened on. It must never be a successor's.
  const ownName = `${path}.${process.pid}`;
  const bytes = Buffer.byteLength(ownName);
  if (bytes > LONGEST_PATH) {
    throw new MeshError(
      'ERR_LISTEN',
      `cannot listen on "${path}": with its ending ".${process.pid}" the path has ${bytes} bytes, that of a socket has at most ${LONGEST_PATH}; choose a directory with a shorter one`,
    );
  }
  removeLeftovers(path);
  try {
    rmSync(ownName, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(ownName, resolve);
    });
    server.on('error', () => undefined);
    chmodSync(ownName, mode);
    renameSync(ownName, path);
    const own = inodeOf(path);
    return () => {
      if (inodeOf(path) === own) rmSync(path, { force: true });
    };
  } catch (cause) {
    server.close();
    throw new MeshError('ERR_LISTEN', `cannot listen on "${path}": ${fileProblem(cause)}`, {
      cause,
    });
  }
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

/** Each start has a number of its own: without this they would become ever more. */
function removeLeftovers(path: string): void {
  const prefix = `${basename(path)}.`;
  try {
    for (const name of readdirSync(dirname(path))) {
      const pid = name.startsWith(prefix) ? name.slice(prefix.length) : '';
      if (!/^[1-9]\d{0,9}$/.test(pid) || isRunning(Number(pid))) continue;
      const leftover = join(dirname(path), name);
      if (lstatSync(leftover).isSocket()) rmSync(leftover, { force: true });
    }
  } catch {
    // What cannot be tidied stands in nobody's way; what stands in the way of listening is told then.
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}
