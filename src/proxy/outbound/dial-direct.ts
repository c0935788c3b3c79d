import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { type Address, formatAddress } from '../address.ts';
import type { Channel } from '../bytes/channel.ts';
import { localAddress } from '../bytes/socket-addresses.ts';
import { tlsChannel } from '../bytes/socket-channel.ts';
import type { Deadlines } from '../deadlines.ts';
import type { FallbackGuard } from '../guards/fallback-guard.ts';
import type { FederationGuard } from '../guards/federation-guard.ts';
import type { RevocationGuard } from '../guards/revocation-guard.ts';
import type { TlsFacts } from '../proxy-events.ts';
import type { PartialEnds, Reporter } from '../reporter.ts';
import type { BoundedContexts } from '../tls/bounded-contexts.ts';
import { type HandshakeOptions, handshakeAsClient, resumeFor } from '../tls/handshake.ts';
import { failedHandshake, presentedBy } from '../tls/handshake-record.ts';
import type { Peer } from '../tls/peer.ts';
import type { Resumption } from '../tls/resumption.ts';
import type { TlsContextBounds } from '../tls/tls-profile.ts';
import { whenRefused } from '../tls/when-refused.ts';

/** A workload that takes Istio's mutual TLS on its port. */
export interface DirectTarget {
  readonly address: Address;
  /** The service it is called for. */
  readonly service: Address;
  /** SPIFFE IDs one of which it must prove; empty: any of the mesh. */
  readonly expectedIds: readonly string[];
  /** The server name to ask for. */
  readonly sni: string;
  /** Versions and suites that a rule asks for. Default: those of the mesh. */
  readonly bounds?: TlsContextBounds;
  /** Connected; it is closed when the handshake fails. */
  readonly raw: Socket;
}

export interface DirectConnection {
  readonly channel: Channel;
  readonly peer: Peer;
  readonly ownSerial: string | undefined;
  readonly tls: TlsFacts;
}

/** @throws {MeshError} ERR_UNREACHABLE when it was lost, else ERR_UNAUTHENTICATED; once reported. */
export type DirectDialer = (target: DirectTarget) => Promise<DirectConnection>;

export interface DirectDialOptions {
  /** Contexts for the bounds that rules ask for. */
  readonly contexts: BoundedContexts;
  readonly trustDomains: HandshakeOptions['trustDomains'];
  readonly clock: Clock;
  readonly revocations: RevocationGuard;
  readonly federation: FederationGuard;
  readonly fallback: FallbackGuard;
  readonly clockNote: HandshakeOptions['clockNote'];
  readonly resumption: Resumption;
  readonly reporter: Reporter;
  readonly handshakeDeadlines: Deadlines;
}

/**
 * Only `istio` is offered: it is in Istio's set, and a peer that agreed on `istio-peer-exchange`
 * would put its metadata in front of the application's bytes.
 */
const ALPN = ['istio'];

/** One mutual TLS connection per connection, as Istio's sidecars make them. */
export function directDialer(options: DirectDialOptions): DirectDialer {
  return async ({ address, service, expectedIds, raw, sni, bounds }) => {
    const source = localAddress(raw);
    const ends: PartialEnds = {
      ...{ direction: 'outbound', source, destination: address },
      ...{ service, transport: 'istio-mtls' },
    };
    const server = `${formatAddress(address)} ${expectedIds.join(' ')}`;
    const asked = { context: options.contexts.for(bounds), sni, server };
    const outcome = await handshakeAsClient(raw, {
      ...options,
      ...asked,
      offered: options.resumption.offer(resumeFor(asked)),
      deadlines: options.handshakeDeadlines,
      alpn: ALPN,
      expectedIds,
    });
    if ('failure' in outcome) {
      const { reason, verdict } = outcome.failure;
      options.reporter.handshakeFailed(ends, { ...outcome.failure, expectedIds });
      throw failedHandshake(verdict, reason);
    }
    const { socket, peer, ownSerial, tls } = outcome.secured;
    whenRefused(socket, (why) => {
      const reason = `"${peer.id}" cut the connection after the TLS handshake, before its first byte (${why}); it may not have accepted our certificate (serial ${ownSerial}): its own log says why`;
      const problem = { ...presentedBy(peer), verdict: 'ERR_UNREACHABLE', reason } as const;
      options.reporter.handshakeFailed(ends, { ...problem, ownSerial, expectedIds });
    });
    return { channel: tlsChannel(socket, raw), peer, ownSerial, tls };
  };
}
