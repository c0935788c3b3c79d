import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Address } from '../address.ts';
import { ACCEPTING } from '../bytes/accepting.ts';
import type { Channel } from '../bytes/channel.ts';
import { remoteAddress } from '../bytes/socket-addresses.ts';
import { socketChannel } from '../bytes/socket-channel.ts';
import type { ConnectionTable } from '../connection-table.ts';
import { keepWithinBounds } from '../guards/keep-within-bounds.ts';
import type { PartialEnds, Reporter } from '../reporter.ts';
import type { CalledService, Upstream, UpstreamConnector } from './upstream-connector.ts';

export interface OutboundOptions {
  readonly connector: UpstreamConnector;
  readonly table: ConnectionTable;
  readonly reporter: Reporter;
  readonly clock: Clock;
}

/** A way for one connection of the application, or why there is none. */
export type OutboundWay =
  | {
      /** Joins the application's side to it. */
      readonly flow: (application: Channel) => void;
      /** Gives it up, because the application is gone. */
      readonly abandon: () => void;
    }
  | { readonly refused: 'denied' | 'unreachable'; readonly why: string };

/** A connection of the application to a service. */
export interface OutboundCall {
  readonly source: Address;
  readonly service: CalledService;
  /** The only endpoint that will do. */
  readonly only?: Address | undefined;
}

/** A server on which the application reaches one service. */
export function outboundListener(service: CalledService, options: OutboundOptions): Server {
  return createServer(ACCEPTING, (socket) => {
    const source = remoteAddress(socket);
    const way = openService({ source, service }, options);
    joinApplication(socket, way, (error) => {
      const ends: PartialEnds = { direction: 'outbound', source, destination: service, service };
      options.reporter.upstreamFailed(ends, messageOf(error));
    });
  });
}

/** Lets the application's connection flow once there is a way for it, and cuts it where there is none. */
export function joinApplication(
  socket: Socket,
  opening: Promise<OutboundWay>,
  failed: (error: unknown) => void,
): void {
  const channel = socketChannel(socket);
  opening
    .then((way) => {
      if ('refused' in way) channel.reset();
      else if (socket.destroyed) way.abandon();
      else way.flow(channel);
    })
    .catch((error: unknown) => {
      failed(error);
      channel.reset();
    });
}

/** Opens a way to a service; what fails is reported. */
export async function openService(
  call: OutboundCall,
  options: OutboundOptions,
): Promise<OutboundWay> {
  const { source, service } = call;
  const { reporter } = options;
  const outcome = await options.connector.connect(service, call.only);
  if ('upstream' in outcome) {
    const { upstream } = outcome;
    return {
      flow: (application) => flow(call, { application, upstream }, options),
      abandon() {
        upstream.channel.reset();
        upstream.release();
      },
    };
  }
  if ('denied' in outcome) {
    const { endpoint, peer, denied } = outcome;
    const destination = { host: endpoint.address, port: endpoint.port };
    reporter.denied(
      {
        ...{ direction: 'outbound', source, destination, service, transport: 'hbone' },
        ...{ peerId: peer?.id, peerSerial: peer?.serial },
      },
      { reason: 'refused-by-peer', decision: denied },
    );
    return { refused: 'denied', why: denied };
  }
  const ends: PartialEnds = { direction: 'outbound', source, destination: service, service };
  reporter.upstreamFailed(ends, outcome.problem);
  return { refused: 'unreachable', why: outcome.problem };
}

function flow(
  { source, service }: OutboundCall,
  { application, upstream }: { readonly application: Channel; readonly upstream: Upstream },
  { table, reporter, clock }: OutboundOptions,
): void {
  const { endpoint, peer, ownSerial, tls, release, bounds } = upstream;
  const gone = new AbortController();
  const closed = (): void => {
    gone.abort();
    release();
  };
  const open = table.add({
    about: {
      ...{ direction: 'outbound', source, service, transport: upstream.transport },
      destination: { host: endpoint.address, port: endpoint.port },
      ...{ ownId: reporter.ownId, ownSerial, peerId: peer?.id, peerSerial: peer?.serial },
      ...tls,
      sni: undefined,
      transportBy: upstream.by,
    },
    ...{ source: application, destination: upstream.channel, closed },
    ...{ admission: undefined, decision: undefined },
  });
  if (bounds.idleTimeoutMs === undefined && bounds.maxDurationMs === undefined) return;
  void keepWithinBounds(open, bounds, clock, gone.signal);
}
