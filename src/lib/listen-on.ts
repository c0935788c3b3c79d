import type { Server } from 'node:net';
import { MeshError, messageOf } from './errors.ts';

/** Where a server shall listen, and what an operator is told when it cannot. */
export interface ListenWish {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What it is for, as in "cannot listen on … for <purpose>". Default: nothing is said of it. */
  readonly purpose?: string;
  /** How to ask for another place, as in "choose another port with --xds". */
  readonly insteadWith: string;
}

/**
 * Binds the server and gives the port it has. What the system refuses to accept later, such as for want of file
 * descriptors, is that caller's loss and never ends the process.
 *
 * @throws {MeshError} ERR_LISTEN when the address is taken or not ours.
 */
export function listenOn(
  server: Server,
  { host, port, purpose, insteadWith }: ListenWish,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException): void => {
      const where = `cannot listen on ${host}:${port}${purpose === undefined ? '' : ` for ${purpose}`}`;
      const why =
        cause.code === 'EADDRINUSE'
          ? `another program listens there; stop it or choose another port ${insteadWith}`
          : messageOf(cause);
      reject(new MeshError('ERR_LISTEN', `${where}: ${why}`, { cause }));
    };
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      server.on('error', () => undefined);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}
