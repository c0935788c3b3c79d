import type { Socket } from 'node:net';
import { type Address, plainIp } from '../address.ts';

/** Our end of a connected socket; an empty host and port 0 once it is gone. */
export function localAddress({ localAddress: host, localPort: port = 0 }: Socket): Address {
  return { host: plainIp(host), port };
}

/** The other end of a connected socket; an empty host and port 0 once it is gone. */
export function remoteAddress({ remoteAddress: host, remotePort: port = 0 }: Socket): Address {
  return { host: plainIp(host), port };
}
