import { connect, type Socket } from 'node:net';
import { MeshError } from '../../lib/errors.ts';
import { type Address, formatAddress } from '../address.ts';
import type { LentReads } from '../bytes/lent-reads.ts';
import type { Deadlines } from '../deadlines.ts';

export interface TcpOptions {
  /** Bounds the time until the connection is there. */
  readonly deadlines: Deadlines;
  /** Whether the two directions end on their own. Default true. */
  readonly allowHalfOpen?: boolean;
  /** How long it must be idle before the kernel asks whether the peer is there, in milliseconds. Default: it never does. */
  readonly keepAliveMs?: number;
  /** Who reads, instead of the socket itself. */
  readonly reads?: LentReads;
}

/**
 * A TCP connection without Nagle's delay. Nothing is read from it yet.
 *
 * @throws {MeshError} ERR_UNREACHABLE naming the address and the system's error, or the time.
 */
export function connectTcp(address: Address, options: TcpOptions): Promise<Socket> {
  const { deadlines, allowHalfOpen = true, keepAliveMs, reads } = options;
  const socket = connect({
    ...{ ...address, allowHalfOpen, noDelay: true },
    ...(keepAliveMs === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: keepAliveMs }),
    ...(reads === undefined ? {} : { onread: reads.onread }),
  });
  return whenConnected(socket, address, deadlines);
}

/** The socket, which was told to connect to `address`, once TCP is. @throws {MeshError} as `connectTcp`. */
export function whenConnected<T extends Socket>(
  socket: T,
  address: Address,
  deadlines: Deadlines,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      deadline.cancel();
      socket.destroy();
      reject(
        new MeshError('ERR_UNREACHABLE', `cannot connect to ${formatAddress(address)}: ${why}`),
      );
    };
    const deadline = deadlines.set(() => fail('it does not answer in time'));
    const failed = (error: Error): void => fail(describeSystemError(error));
    socket.once('error', failed);
    socket.once('connect', () => {
      deadline.cancel();
      socket.removeListener('error', failed);
      // Whoever is given the socket adds a listener of its own; until then none must go unheard.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

function describeSystemError(error: Error): string {
  const code = 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there (ECONNREFUSED)';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `there is no route (${code})`;
    case 'ENOTFOUND':
      return 'the name is not known (ENOTFOUND)';
    default:
      return error.message;
  }
}
