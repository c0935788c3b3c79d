import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Channel } from './channel.ts';
import { DuplexChannel } from './duplex-channel.ts';
import type { LentReads } from './lent-reads.ts';

/** A Channel over a TCP connection; cutting it sends a TCP reset. */
export function socketChannel(socket: Socket): Channel {
  return new DuplexChannel(socket, { reset: (tcp) => reset(tcp, tcp) });
}

/** As `socketChannel`, over a connection that was made with `reads`: it lends what arrives. */
export function lendingChannel(socket: Socket, reads: LentReads): Channel {
  return new DuplexChannel(socket, { reset: (tcp) => reset(tcp, tcp), reads });
}

/** A Channel over a TLS connection that runs on the TCP connection `raw`, which is what gets reset. */
export function tlsChannel(socket: TLSSocket, raw: Socket): Channel {
  return new DuplexChannel(socket, {
    reset: (tls) => {
      reset(raw, tls);
      tls.destroy();
    },
  });
}

/** Resets `raw`; `written` is what the application's bytes were written to. */
function reset(raw: Socket, written: Socket): void {
  // While an end goes out libuv refuses to reset, and Node then loses the socket without closing
  // it. All bytes are with the kernel at that point, so closing cuts nothing off that was written.
  const { writableEnded, writableFinished, writableLength } = written;
  if (writableEnded && !writableFinished && writableLength === 0) raw.destroy();
  else raw.resetAndDestroy();
}
