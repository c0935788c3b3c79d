import { createServer, type Server } from 'node:net';
import { formatAddress } from '../address.ts';
import { ACCEPTING } from '../bytes/accepting.ts';
import { localAddress, remoteAddress } from '../bytes/socket-addresses.ts';
import { acceptInbound, type InboundOptions } from '../inbound/inbound-listener.ts';
import type { PartialEnds } from '../reporter.ts';
import type { LoopGuard } from './loop-guard.ts';
import type { OriginalDestination } from './original-destination.ts';

export interface CapturedInboundOptions extends InboundOptions {
  readonly guard: LoopGuard;
  readonly originalDestination: OriginalDestination;
  /** Whether connections to this port of the host are for the workload. */
  readonly serves: (port: number) => boolean;
}

/**
 * A server to which the kernel brings what peers send to the workload's ports; it goes on to the
 * very address and port that it was sent to, by the mode and the policies of that port.
 */
export function capturedInbound(options: CapturedInboundOptions): Server {
  const { reporter, guard, originalDestination, serves } = options;
  return createServer(ACCEPTING, (socket) => {
    socket.on('error', () => undefined);
    const [source, here] = [remoteAddress(socket), localAddress(socket)];
    const destination = originalDestination(socket);
    const ends: PartialEnds = { direction: 'inbound', source, destination: destination ?? here };
    if (destination !== undefined && guard.answers(socket, destination, 'inbound')) return;
    if (destination === undefined || formatAddress(destination) === formatAddress(here)) {
      const decision = `nothing was redirected here: ${formatAddress(here)} takes captured connections only`;
      reporter.denied(ends, { reason: 'not-captured', decision });
    } else if (!serves(destination.port)) {
      const decision = `port ${destination.port} is the proxy's own, or not one of the workload (--inbound-ports)`;
      reporter.denied(ends, { reason: 'not-served', decision });
    } else {
      acceptInbound({ socket, ends, app: destination }, options);
      return;
    }
    socket.resetAndDestroy();
  });
}
