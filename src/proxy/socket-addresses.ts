import type { Socket } from 'node:net';
import { type Address, plainIp } from './address.ts';

/** Both ends of a connected socket; an empty host and port 0 once it is gone. */
export function socketAddresses(socket: Socket): {
  readonly local: Address;
  readonly remote: Address;
} {
  return {
    local: { host: plainIp(socket.localAddress), port: socket.localPort ?? 0 },
    remote: { host: plainIp(socket.remoteAddress), port: socket.remotePort ?? 0 },
  };
}
