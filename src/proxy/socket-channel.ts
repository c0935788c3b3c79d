import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Channel } from './channel.ts';
import { DuplexChannel } from './duplex-channel.ts';

/** A Channel over a TCP connection; cutting it sends a TCP reset. */
export function socketChannel(socket: Socket): Channel {
  return new DuplexChannel(socket, { reset: (tcp) => tcp.resetAndDestroy() });
}

/** A Channel over a TLS connection that runs on the TCP connection `raw`, which is what gets reset. */
export function tlsChannel(socket: TLSSocket, raw: Socket): Channel {
  return new DuplexChannel(socket, {
    reset: (tls) => {
      raw.resetAndDestroy();
      tls.destroy();
    },
  });
}
