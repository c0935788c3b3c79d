import { connect } from 'node:net';
import { until } from '../src/app/demo/until.ts';
import type { Program } from './program-group.ts';

/**
 * Resolves when 127.0.0.1 takes connections on `port`.
 *
 * @throws {MeshError} ERR_UNREACHABLE when one of `programs` ends before, or after 20 seconds.
 */
export function listening(
  what: string,
  port: number,
  programs: readonly Program[],
): Promise<boolean> {
  return until(`${what} listens on port ${port}`, () => {
    for (const program of programs) program.refuseEnded();
    return takesConnections(port);
  });
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
