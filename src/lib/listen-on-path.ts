import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { MeshError, messageOf } from './errors.ts';

export interface SocketPath {
  readonly path: string;
  /** Of the socket file. */
  readonly mode: number;
}

/**
 * Lets a server listen on a Unix socket. It appears under its name in one step when it already answers, also over
 * that of a predecessor. Returns how its name is removed, which does nothing when a successor's is there:
 * to be called before the server lets go of its clients, who may be that successor. What the system refuses to accept
 * later never ends the process.
 *
 * @throws {MeshError} ERR_LISTEN when the socket cannot be made.
 */
export async function listenOnPath(
  server: Pick<Server, 'listen' | 'close' | 'on' | 'once'>,
  { path, mode }: SocketPath,
): Promise<() => void> {
  // libuv removes at the end the name that it listened on. It must never be a successor's.
  const ownName = `${path}.${process.pid}`;
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
    throw new MeshError('ERR_LISTEN', `cannot listen on ${path}: ${messageOf(cause)}`, { cause });
  }
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}
