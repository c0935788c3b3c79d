import type { AddressInfo, Server } from 'node:net';
import { MeshError, messageOf } from '../lib/errors.ts';
import { type Address, formatAddress, plainIp } from './address.ts';

/** A server and where it shall listen. */
export interface ListenPlan {
  readonly server: Server;
  readonly address: Address;
  /** What it is for, as in "cannot listen on … for <purpose>". */
  readonly purpose: string;
}

/**
 * Binds all servers or none, and gives their addresses, with real ports where 0 was asked, in order.
 * The ports may be shared with a successor of this process, which so can take over.
 *
 * @throws {MeshError} ERR_LISTEN naming the address and what to do.
 */
export async function listenAll(plans: readonly ListenPlan[]): Promise<readonly Address[]> {
  const results = await Promise.allSettled(plans.map(listen));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return plans.map(({ server }) => boundAddress(server));
  for (const { server } of plans) server.close();
  throw failed.reason;
}

/** Where a listening server can be reached. */
function boundAddress(server: Server): Address {
  const bound = server.address();
  const { address, port } = isInfo(bound) ? bound : { address: '', port: 0 };
  return { host: plainIp(address), port };
}

function isInfo(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

function listen({ server, address, purpose }: ListenPlan): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      const where = `cannot listen on ${formatAddress(address)} for ${purpose}`;
      reject(new MeshError('ERR_LISTEN', `${where}: ${advice(error)}`, { cause: error }));
    };
    server.once('error', failed);
    server.listen({ ...address, reusePort: true, backlog: 1024 }, () => {
      server.removeListener('error', failed);
      resolve();
    });
  });
}

function advice(error: Error): string {
  switch ('code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return 'another process has the port; stop it or choose another port';
    case 'EACCES':
      return 'this user may not; choose a port from 1024 on or give the process CAP_NET_BIND_SERVICE';
    case 'EADDRNOTAVAIL':
      return 'this machine does not have the address; use one of its own, or 0.0.0.0';
    default:
      return messageOf(error);
  }
}
