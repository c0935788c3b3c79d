import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Address } from './address.ts';
import type { Channel } from './channel.ts';
import { connectTcp } from './connect-tcp.ts';
import type { Deadlines } from './deadlines.ts';
import type { FederationGuard } from './federation-guard.ts';
import { type HandshakeOptions, handshakeAsClient } from './handshake.ts';
import type { Peer } from './peer.ts';
import type { TlsFacts } from './proxy-events.ts';
import type { PartialEnds, Reporter } from './reporter.ts';
import type { RevocationGuard } from './revocation-guard.ts';
import type { HotSecureContext } from './secure-context.ts';
import { localAddress } from './socket-addresses.ts';
import { tlsChannel } from './socket-channel.ts';

/** A workload that takes Istio's mutual TLS on its port. */
export interface DirectTarget {
  readonly address: Address;
  /** The service it is called for. */
  readonly service: Address;
  /** SPIFFE IDs one of which it must prove; empty: any of the mesh. */
  readonly expectedIds: readonly string[];
}

export interface DirectConnection {
  readonly channel: Channel;
  readonly peer: Peer;
  readonly ownSerial: string | undefined;
  readonly tls: TlsFacts;
}

/** @throws {MeshError} ERR_UNREACHABLE, or ERR_UNAUTHENTICATED once reported. */
export type DirectDialer = (target: DirectTarget) => Promise<DirectConnection>;

export interface DirectDialOptions {
  readonly context: HotSecureContext;
  readonly trustDomains: HandshakeOptions['trustDomains'];
  readonly clock: Clock;
  readonly revocations: RevocationGuard;
  readonly federation: FederationGuard;
  readonly clockNote: HandshakeOptions['clockNote'];
  readonly reporter: Reporter;
  readonly connectDeadlines: Deadlines;
  readonly handshakeDeadlines: Deadlines;
}

/**
 * Only `istio` is offered: it is in Istio's set, and a peer that agreed on `istio-peer-exchange`
 * would put its metadata in front of the application's bytes.
 */
const ALPN = ['istio'];

/** One mutual TLS connection per connection, as Istio's sidecars make them. */
export function directDialer(options: DirectDialOptions): DirectDialer {
  return async ({ address, service, expectedIds }) => {
    const raw = await connectTcp(address, { deadlines: options.connectDeadlines });
    const source = localAddress(raw);
    const outcome = await handshakeAsClient(raw, {
      ...options,
      context: options.context.current,
      deadlines: options.handshakeDeadlines,
      alpn: ALPN,
      sni: istioServerName(service),
      expectedIds,
    });
    if ('failure' in outcome) {
      const ends: PartialEnds = {
        ...{ direction: 'outbound', source, destination: address },
        ...{ service, transport: 'istio-mtls' },
      };
      const { reason } = outcome.failure;
      options.reporter.handshakeFailed(ends, { ...outcome.failure, expectedIds });
      throw new MeshError('ERR_UNAUTHENTICATED', reason);
    }
    const { socket, peer, ownSerial, tls } = outcome.secured;
    return { channel: tlsChannel(socket, raw), peer, ownSerial, tls };
  };
}

const CLUSTER_SUFFIX = '.svc.cluster.local';

/** Istio's server name for a service: `outbound_.<port>_._.<fqdn>`. */
function istioServerName({ host, port }: Address): string {
  const name = host
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/\.svc(\.cluster\.local)?$/, '');
  return `outbound_.${port}_._.${name}${CLUSTER_SUFFIX}`;
}
