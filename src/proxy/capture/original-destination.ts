import type { Socket } from 'node:net';
import { descriptorOf } from '../../lib/descriptor-of.ts';
import { socketOption } from '../../lib/socket-option.ts';
import { type Address, plainIp } from '../address.ts';

/** Tells where an accepted connection was going before a rule of the kernel sent it here. */
export type OriginalDestination = (socket: Socket) => Address | undefined;

const SOL_IP = 0;
const SOL_IPV6 = 41;
/** The same number for both: SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST. */
const SO_ORIGINAL_DST = 80;
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;

/**
 * Asks the kernel's connection tracking. Undefined where it knows nothing: the socket is gone, the
 * connection is not tracked, or this is not Linux. For a connection that nobody redirected it is the
 * socket's own local address.
 */
export const originalDestination: OriginalDestination = (socket) => {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  return plainIp(socket.localAddress).includes(':')
    ? ask(fd, SOL_IPV6, SOCKADDR_IN6_BYTES)
    : ask(fd, SOL_IP, SOCKADDR_IN_BYTES);
};

function ask(fd: number, level: number, bytes: number): Address | undefined {
  const sockaddr = socketOption({ fd, level, name: SO_ORIGINAL_DST, bytes });
  if (sockaddr === undefined) return undefined;
  const port = sockaddr.readUInt16BE(2);
  const host = level === SOL_IP ? ipv4Text(sockaddr) : ipv6Text(sockaddr);
  return { host, port };
}

/** struct sockaddr_in: family, port, address. */
function ipv4Text(sockaddr: Buffer): string {
  return [...sockaddr.subarray(4, 8)].join('.');
}

/** struct sockaddr_in6: family, port, flow, address. As a URL writes it, which is the canonical form. */
function ipv6Text(sockaddr: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) =>
    sockaddr.readUInt16BE(8 + at * 2).toString(16),
  );
  return plainIp(new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1));
}
