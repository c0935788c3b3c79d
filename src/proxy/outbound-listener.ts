import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Address } from './address.ts';
import type { Channel } from './channel.ts';
import type { ConnectionTable } from './connection-table.ts';
import { keepWithinBounds } from './keep-within-bounds.ts';
import type { PartialEnds, Reporter } from './reporter.ts';
import { remoteAddress } from './socket-addresses.ts';
import { socketChannel } from './socket-channel.ts';
import type { CalledService, Upstream, UpstreamConnector } from './upstream-connector.ts';

export interface OutboundOptions {
  readonly connector: UpstreamConnector;
  readonly table: ConnectionTable;
  readonly reporter: Reporter;
  readonly clock: Clock;
}

interface Call {
  readonly socket: Socket;
  readonly channel: Channel;
  readonly source: Address;
  readonly service: CalledService;
}

/** A server on which the application reaches one service. */
export function outboundListener(service: CalledService, options: OutboundOptions): Server {
  return createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
    const channel = socketChannel(socket);
    const source = remoteAddress(socket);
    serve({ socket, channel, source, service }, options).catch((error: unknown) => {
      const ends: PartialEnds = { direction: 'outbound', source, destination: service, service };
      options.reporter.upstreamFailed(ends, messageOf(error));
      channel.reset();
    });
  });
}

async function serve(call: Call, options: OutboundOptions): Promise<void> {
  const { channel, source, service } = call;
  const outcome = await options.connector.connect(service);
  if ('upstream' in outcome) return flow(call, outcome.upstream, options);
  if ('denied' in outcome) {
    const { endpoint, peer, denied } = outcome;
    const destination = { host: endpoint.address, port: endpoint.port };
    options.reporter.denied(
      {
        ...{ direction: 'outbound', source, destination, service, transport: 'hbone' },
        ...{ peerId: peer?.id, peerSerial: peer?.serial },
      },
      { reason: 'refused-by-peer', decision: denied },
    );
  } else {
    options.reporter.upstreamFailed(
      { direction: 'outbound', source, destination: service, service },
      outcome.problem,
    );
  }
  channel.reset();
}

function flow(call: Call, upstream: Upstream, options: OutboundOptions): void {
  const { table, reporter, clock } = options;
  const { socket, channel, source, service } = call;
  const { endpoint, peer, ownSerial, tls, release, bounds } = upstream;
  if (socket.destroyed) {
    upstream.channel.reset();
    release();
    return;
  }
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
    ...{ source: channel, destination: upstream.channel, closed },
    ...{ admission: undefined, decision: undefined },
  });
  if (bounds.idleTimeoutMs === undefined && bounds.maxDurationMs === undefined) return;
  void keepWithinBounds(open, bounds, clock, gone.signal);
}
