import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../../lib/errors.ts';
import { ACCEPTING } from '../bytes/accepting.ts';
import { localAddress, remoteAddress } from '../bytes/socket-addresses.ts';
import type { Deadlines } from '../deadlines.ts';
import type { Reporter } from '../reporter.ts';
import type { Egress } from './egress.ts';

/** What the proxies that programs are told to use share. */
export interface ExplicitProxyOptions {
  readonly egress: Egress;
  readonly reporter: Reporter;
  /** How long a client may take to say what it wants. */
  readonly deadlines: Deadlines;
}

/** A server that has each connection served by `serve`; what that throws is reported and ends the connection. */
export function explicitProxyServer(
  options: ExplicitProxyOptions,
  serve: (socket: Socket, options: ExplicitProxyOptions) => Promise<void>,
): Server {
  return createServer(ACCEPTING, (socket) => {
    socket.on('error', () => undefined);
    serve(socket, options).catch((error: unknown) => {
      const [source, destination] = [remoteAddress(socket), localAddress(socket)];
      options.reporter.upstreamFailed(
        { direction: 'outbound', source, destination },
        messageOf(error),
      );
      socket.destroy();
    });
  });
}
