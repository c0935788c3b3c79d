import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { MeshError, messageOf } from '../../../lib/errors.ts';
import { type Address, formatAddress } from '../../address.ts';
import type { ListeningSocket } from '../../listen.ts';

/** What Node.js has of the system's socket. */
interface Handle {
  readonly fd: number;
  recvStop(): void;
}

/**
 * A UDP socket at an address: an inherited one, whose queue goes on, or a new one, whose port may be shared with others.
 *
 * @throws {MeshError} ERR_LISTEN naming the address.
 */
export async function openUdp(address: Address, inherited?: number): Promise<Socket> {
  const { host, port } = address;
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', reusePort: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => {
      const where = formatAddress(address);
      const text = `cannot listen on ${where} for DNS by UDP: ${messageOf(cause)}`;
      reject(new MeshError('ERR_LISTEN', text, { cause }));
    });
    const where = inherited === undefined ? { address: host, port } : { fd: inherited };
    socket.bind(where, resolve);
  });
  socket.on('error', () => undefined);
  return socket;
}

/** The socket as a successor can go on with it; undefined where Node.js does not show it. */
export function listeningUdp(socket: Socket): ListeningSocket | undefined {
  const fd = handleOf(socket)?.fd;
  const { address: host, port } = socket.address();
  return fd === undefined || fd < 0 ? undefined : { host, port, fd, transport: 'udp' };
}

/** Takes nothing more out of the queue, which is left to who has the socket too; it can still send. */
export function stopReceiving(socket: Socket): void {
  handleOf(socket)?.recvStop();
}

function handleOf(socket: Socket): Handle | undefined {
  // Node.js offers neither the descriptor nor a pause of UDP.
  const state = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === 'state symbol',
  );
  if (state === undefined) return undefined;
  return (
    (socket as unknown as Record<symbol, { readonly handle?: Handle | null }>)[state]?.handle ??
    undefined
  );
}
