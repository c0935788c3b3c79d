import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { EffectiveMode } from '../../policy/effective-peer-authentication.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { Address } from '../address.ts';
import { ACCEPTING } from '../bytes/accepting.ts';
import type { Channel } from '../bytes/channel.ts';
import { localAddress, remoteAddress } from '../bytes/socket-addresses.ts';
import { socketChannel, tlsChannel } from '../bytes/socket-channel.ts';
import type { ConnectionAbout, ConnectionTable } from '../connection-table.ts';
import type { Deadlines } from '../deadlines.ts';
import { describeStrict, type Enforcement } from '../enforcement.ts';
import type { FallbackGuard } from '../guards/fallback-guard.ts';
import type { FederationGuard } from '../guards/federation-guard.ts';
import type { RevocationGuard } from '../guards/revocation-guard.ts';
import type { SilentPeers } from '../guards/silent-peers.ts';
import type { ConnectionTransport } from '../proxy-events.ts';
import type { HandshakeProblem, PartialEnds, Reporter } from '../reporter.ts';
import {
  type HandshakeOptions,
  handshakeAsServer,
  type SecuredConnection,
} from '../tls/handshake.ts';
import type { HandshakeGate } from '../tls/handshake-gate.ts';
import { presentedCertificate } from '../tls/handshake-record.ts';
import { NO_TLS } from '../tls/no-tls.ts';
import type { Resumption } from '../tls/resumption.ts';
import type { AppGate } from './app-gate.ts';
import type { FirstBytesWait } from './first-bytes-wait.ts';
import { type FirstBytes, inboundTransport } from './inbound-transport.ts';
import type { IstioAcceptors } from './istio-acceptors.ts';
import { sniff } from './sniff.ts';

/** What the listeners of workload ports share. */
export interface InboundOptions {
  readonly identity: Watchable<Identity>;
  readonly acceptors: IstioAcceptors;
  readonly trustDomains: HandshakeOptions['trustDomains'];
  readonly enforcement: Enforcement;
  readonly gate: AppGate;
  readonly table: ConnectionTable;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly revocations: RevocationGuard;
  readonly federation: FederationGuard;
  readonly fallback: FallbackGuard;
  readonly clockNote: HandshakeOptions['clockNote'];
  readonly resumption: Resumption;
  readonly firstBytesWait: FirstBytesWait;
  readonly handshakeDeadlines: Deadlines;
  readonly handshakeGate: HandshakeGate;
  readonly silentPeers: SilentPeers;
}

/** A connection to a workload port. */
export interface AcceptedInbound {
  readonly socket: Socket;
  /** The destination is the workload port. */
  readonly ends: PartialEnds;
  /** Where the application listens. */
  readonly app: Address;
}

/** A connection whose transport is settled. */
interface Settled extends AcceptedInbound {
  readonly transport: ConnectionTransport;
  readonly secured: SecuredConnection | undefined;
  readonly sni: string | undefined;
}

/** A server for one workload port, which passes on to `app` what the port's mode and policies allow. */
export function inboundListener(app: Address, options: InboundOptions): Server {
  return createServer(ACCEPTING, (socket) => {
    socket.on('error', () => undefined);
    const [source, destination] = [remoteAddress(socket), localAddress(socket)];
    const ends: PartialEnds = { direction: 'inbound', source, destination };
    acceptInbound({ socket, ends, app }, options);
  });
}

/** Passes on an accepted connection, which is paused, or closes it. */
export function acceptInbound(accepted: AcceptedInbound, options: InboundOptions): void {
  options.silentPeers.watch(accepted.socket);
  serve(accepted, options).catch((error: unknown) => {
    options.reporter.upstreamFailed(accepted.ends, messageOf(error));
    accepted.socket.destroy();
  });
}

async function serve(accepted: AcceptedInbound, options: InboundOptions): Promise<void> {
  const { socket, ends } = accepted;
  const { port } = ends.destination;
  const first = await firstBytes(accepted, options);
  if (first === undefined) return void socket.destroy();
  const mode = options.enforcement.mode(port);
  const protocol = options.enforcement.protocol(port);
  const transport = inboundTransport(mode.mode, protocol, first);
  const sni = first.kind === 'tls' ? first.hello.sni : undefined;
  switch (transport) {
    case 'refused':
      options.reporter.denied(ends, { reason: 'plaintext', decision: describeStrict(mode, port) });
      socket.destroy();
      return;
    case 'unexpected-tls':
      options.reporter.denied(ends, {
        reason: transport,
        decision: describeUnexpected(mode, port),
      });
      socket.destroy();
      return;
    case 'istio-mtls': {
      const secured = await secure(accepted, first, options);
      if (secured !== undefined) await pass({ ...accepted, transport, secured, sni }, options);
      return;
    }
    default:
      await pass({ ...accepted, transport, secured: undefined, sni }, options);
  }
}

function describeUnexpected({ mode }: EffectiveMode, port: number): string {
  const taken = mode === 'DISABLE' ? 'plaintext' : "plaintext and mutual TLS with Istio's ALPN";
  return `port ${port} is declared to speak HTTP and takes ${taken} only (${mode}), and the client spoke other TLS; declare it https or tcp if the application speaks TLS itself`;
}

/** What the port's mode needs to know; undefined when there is nothing more to do. */
async function firstBytes(
  { socket, ends }: AcceptedInbound,
  options: InboundOptions,
): Promise<FirstBytes | undefined> {
  const { firstBytesWait, handshakeDeadlines, reporter, enforcement } = options;
  const { port } = ends.destination;
  const { mode } = enforcement.mode(port);
  // Only where HTTP is spoken it matters what bytes are: there the client speaks first.
  if (mode === 'DISABLE' && enforcement.protocol(port) !== 'http') return { kind: 'plaintext' };
  const patient = { firstByte: handshakeDeadlines, wholeHello: handshakeDeadlines };
  // Where only TLS is taken the client speaks first, so it may take as long as a handshake.
  let first = await sniff(
    socket,
    mode === 'STRICT' ? patient : { ...patient, firstByte: firstBytesWait.for(port) },
  );
  // Who would be refused without TLS loses nothing by more time to begin it.
  if (first.kind === 'silent' && mode !== 'STRICT' && isRefused(ends, options)) {
    first = await sniff(socket, patient);
  }
  if (first.kind !== 'ended' && first.kind !== 'unfinished') {
    if (mode !== 'STRICT') firstBytesWait.ended(port, first.kind);
    return first;
  }
  if (first.kind === 'unfinished') {
    const reason = 'the client began a TLS handshake and did not finish its first message in time';
    reporter.handshakeFailed(ends, { ...NOTHING_PRESENTED, reason });
  }
  return undefined;
}

/** Whether the policies refuse plaintext from there. */
function isRefused({ source, destination }: PartialEnds, { enforcement }: InboundOptions): boolean {
  const facts = {
    ...{ principal: undefined, sourceIp: source.host },
    ...{ destinationIp: destination.host, destinationPort: destination.port },
  };
  return !enforcement.judge({ mutualTls: false, facts }).allowed;
}

const NOTHING_PRESENTED: HandshakeProblem = {
  reason: '',
  ...{ expectedIds: [], ownSerial: undefined, verdict: 'ERR_UNREACHABLE' },
  ...presentedCertificate(undefined),
};

async function secure(
  { socket, ends }: AcceptedInbound,
  first: FirstBytes,
  options: InboundOptions,
): Promise<SecuredConnection | undefined> {
  const offered = first.kind === 'tls' ? first.hello.alpn : [];
  const gate = options.handshakeGate.enter(ends.source.host);
  if ('refused' in gate) {
    if (gate.isNews) options.reporter.denied(ends, { reason: 'limit', decision: gate.refused });
    socket.destroy();
    return undefined;
  }
  const outcome = await handshakeAsServer(socket, {
    ...options,
    acceptor: options.acceptors.for(offered),
    deadlines: options.handshakeDeadlines,
  }).finally(gate.leave);
  if ('secured' in outcome) return outcome.secured;
  const { failure } = outcome;
  options.reporter.handshakeFailed(
    { ...ends, transport: 'istio-mtls' },
    { ...failure, expectedIds: [] },
  );
  return undefined;
}

async function pass(settled: Settled, options: InboundOptions): Promise<void> {
  const { ends, transport, secured, sni, app } = settled;
  const source = sourceChannel(settled);
  const known = {
    ...ends,
    ...{ transport, service: undefined },
    ...{ ownId: options.reporter.ownId, ownSerial: secured?.ownSerial },
    ...{ peerId: secured?.peer.id, peerSerial: secured?.peer.serial },
  };
  const admission = {
    mutualTls: secured !== undefined,
    ...(secured === undefined ? {} : { peer: secured.peer }),
    facts: {
      principal: secured?.peer.principal,
      sourceIp: ends.source.host,
      destinationIp: ends.destination.host,
      destinationPort: ends.destination.port,
      ...(sni === undefined ? {} : { sni }),
    },
  };
  const { tls = NO_TLS } = secured ?? {};
  const about: ConnectionAbout = { ...known, ...tls, sni };
  const entry = await options.gate.enter({
    ...{ about, admission, app },
    flow: (destination, decision, http) => {
      options.table.add({ about, source, destination, admission, decision, http });
    },
  });
  if ('entered' in entry) return;
  if ('denied' in entry) options.reporter.denied(known, entry.denied);
  else options.reporter.upstreamFailed(known, entry.unreachable);
  source.reset();
}

function sourceChannel({ socket, secured }: Settled): Channel {
  return secured === undefined ? socketChannel(socket) : tlsChannel(secured.socket, secured.raw);
}
