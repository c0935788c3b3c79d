import { createServer, type Server } from 'node:net';
import { messageOf } from '../../lib/errors.ts';
import { formatAddress } from '../address.ts';
import { ACCEPTING } from '../bytes/accepting.ts';
import { localAddress, remoteAddress } from '../bytes/socket-addresses.ts';
import { joinApplication } from '../outbound/outbound-listener.ts';
import type { PartialEnds, Reporter } from '../reporter.ts';
import type { Egress } from './egress.ts';
import type { LoopGuard } from './loop-guard.ts';
import type { OriginalDestination } from './original-destination.ts';

export interface CapturedOutboundOptions {
  readonly egress: Egress;
  readonly reporter: Reporter;
  readonly guard: LoopGuard;
  readonly originalDestination: OriginalDestination;
}

/**
 * A server to which the kernel brings what the application sends anywhere. What was sent to the
 * server itself is refused: it would lead in a circle.
 */
export function capturedOutbound(options: CapturedOutboundOptions): Server {
  const { egress, reporter, guard, originalDestination } = options;
  return createServer(ACCEPTING, (socket) => {
    socket.on('error', () => undefined);
    const [source, here] = [remoteAddress(socket), localAddress(socket)];
    const target = originalDestination(socket);
    const ends: PartialEnds = { direction: 'outbound', source, destination: target ?? here };
    if (target !== undefined && guard.answers(socket, target, 'outbound')) return;
    if (target === undefined || formatAddress(target) === formatAddress(here)) {
      const decision = `nothing was redirected here: ${formatAddress(here)} takes captured connections only`;
      reporter.denied(ends, { reason: 'not-captured', decision });
      return void socket.resetAndDestroy();
    }
    const opening = guard.safe().then((loop) => {
      if (loop === undefined) return egress.open({ source, target });
      reporter.denied(ends, { reason: 'not-captured', decision: loop });
      return { refused: 'denied', why: loop } as const;
    });
    joinApplication(socket, opening, (error) => reporter.upstreamFailed(ends, messageOf(error)));
  });
}
