import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { ConnectionBounds } from '../../policy/upstream/connection-bounds.ts';
import type { Endpoint } from '../../policy/upstream/resolve-upstream.ts';
import { type Address, formatAddress } from '../address.ts';
import { KEEP_ALIVE_AFTER_MS } from '../bytes/accepting.ts';
import type { Channel } from '../bytes/channel.ts';
import { socketChannel } from '../bytes/socket-channel.ts';
import { Deadlines } from '../deadlines.ts';
import type { FallbackGuard } from '../guards/fallback-guard.ts';
import type { SilentPeers } from '../guards/silent-peers.ts';
import type { TlsFacts } from '../proxy-events.ts';
import { NO_TLS } from '../tls/no-tls.ts';
import type { Peer } from '../tls/peer.ts';
import { connectTcp } from './connect-tcp.ts';
import type { DirectDialer } from './dial-direct.ts';
import type { OriginatedDialer } from './dial-originated.ts';
import type { PooledOutcome, SessionPool } from './session-pool.ts';

/** A way to an endpoint that is ready for bytes. */
export interface Way {
  /** How it is spoken to, which a FallbackPolicy may have changed. */
  readonly transport: Endpoint['transport']['kind'];
  readonly channel: Channel;
  readonly peer: Peer | undefined;
  readonly ownSerial: string | undefined;
  readonly tls: TlsFacts;
}

export type DialOutcome =
  | { readonly way: Way }
  /** The endpoint's sidecar knows who we are and refuses. */
  | { readonly denied: string; readonly peer: Peer | undefined }
  | { readonly problem: string };

export interface EndpointDialerOptions {
  readonly pool: SessionPool;
  readonly direct: DirectDialer;
  readonly originated: OriginatedDialer;
  readonly clock: Clock;
  readonly fallback: FallbackGuard;
  /** Where no rule says how long connecting may take. */
  readonly connectDeadlines: Deadlines;
  readonly silentPeers: SilentPeers;
}

/** What is dialled. */
export interface DialQuestion {
  readonly endpoint: Endpoint;
  /** The service that it is dialled for. */
  readonly service: Address;
  readonly bounds: ConnectionBounds;
}

const FORBIDDEN = 403;
const MAX_TIMEOUTS = 32;

/** Dials endpoints, each as its transport says. */
export class EndpointDialer {
  readonly #options: EndpointDialerOptions;
  readonly #deadlines = new Map<number, Deadlines>();

  constructor(options: EndpointDialerOptions) {
    this.#options = options;
  }

  /** @throws {MeshError} whatever kept the connection from coming about. */
  async dial(question: DialQuestion): Promise<DialOutcome> {
    const { endpoint, service } = question;
    const { address: host, port } = endpoint;
    const transport = this.#transportTo(endpoint);
    switch (transport.kind) {
      case 'hbone': {
        const target = hboneTarget(endpoint, transport.port);
        // Without a rule the session's own bounds hold, for TCP and for TLS.
        const { connectTimeoutMs } = question.bounds;
        const patience =
          connectTimeoutMs === undefined ? undefined : this.#deadlinesOf(connectTimeoutMs);
        const authority = formatAddress({ host, port });
        return readOutcome(await this.#options.pool.open(target, authority, patience));
      }
      case 'istio-mtls': {
        const { sni, bounds } = transport;
        const raw = await this.#connect(question);
        const { direct } = this.#options;
        const { expectedIds } = endpoint;
        const target = { address: { host, port }, service, expectedIds, raw, sni };
        const way = await direct(bounds === undefined ? target : { ...target, bounds });
        return { way: { ...way, transport: transport.kind } };
      }
      case 'tls': {
        const raw = await this.#connect(question);
        const address = { host, port };
        const way = await this.#options.originated({ address, service, raw, tls: transport.tls });
        return {
          way: { ...way, transport: transport.kind, peer: undefined, ownSerial: undefined },
        };
      }
      case 'plaintext': {
        const channel = socketChannel(await this.#connect(question));
        const unknown = { peer: undefined, ownSerial: undefined, tls: NO_TLS };
        return { way: { ...unknown, channel, transport: transport.kind } };
      }
    }
  }

  /** How it is called now: a workload without a valid certificate may have to do without TLS. */
  #transportTo({ transport, takesPlaintext }: Endpoint): Endpoint['transport'] {
    const { fallback } = this.#options;
    const isMesh = transport.kind === 'hbone' || transport.kind === 'istio-mtls';
    if (!isMesh || !takesPlaintext || !fallback.speaksPlaintext) return transport;
    fallback.ownUsed('outbound');
    return { kind: 'plaintext' };
  }

  /** Makes the shared session to an endpoint that has one, so that the first call need not wait for it. */
  async warm(endpoint: Endpoint): Promise<void> {
    const { transport } = endpoint;
    if (transport.kind !== 'hbone') return;
    await this.#options.pool.warm(hboneTarget(endpoint, transport.port));
  }

  close(): void {
    for (const deadlines of this.#deadlines.values()) deadlines.close();
  }

  async #connect({ endpoint, bounds }: DialQuestion): ReturnType<typeof connectTcp> {
    const { address: host, port } = endpoint;
    const deadlines = this.#deadlinesOf(bounds.connectTimeoutMs);
    const { keepAliveMs = KEEP_ALIVE_AFTER_MS } = bounds;
    const socket = await connectTcp({ host, port }, { deadlines, keepAliveMs });
    this.#options.silentPeers.watch(socket);
    return socket;
  }

  #deadlinesOf(timeoutMs: number | undefined): Deadlines {
    if (timeoutMs === undefined) return this.#options.connectDeadlines;
    const known = this.#deadlines.get(timeoutMs);
    if (known !== undefined) return known;
    // Rules that are gone leave theirs behind; those still under way pass on their own.
    if (this.#deadlines.size >= MAX_TIMEOUTS) this.#deadlines.clear();
    const deadlines = new Deadlines(this.#options.clock, timeoutMs);
    this.#deadlines.set(timeoutMs, deadlines);
    return deadlines;
  }
}

function hboneTarget(endpoint: Endpoint, port: number): Parameters<SessionPool['open']>[0] {
  const { address: host, expectedIds } = endpoint;
  if (expectedIds.length === 0) {
    throw new MeshError(
      'ERR_UNAUTHENTICATED',
      `WorkloadEntry ${endpoint.workload} has no serviceAccount, so nobody knows who must answer there: set it`,
    );
  }
  return { address: { host, port }, expectedIds };
}

function readOutcome({ outcome, via }: PooledOutcome): DialOutcome {
  const { peer, ownSerial, tls } = via;
  switch (outcome.outcome) {
    case 'opened':
      return { way: { transport: 'hbone', channel: outcome.channel, peer, ownSerial, tls } };
    case 'refused':
      return outcome.status === FORBIDDEN
        ? { denied: outcome.deniedBy ?? 'the peer does not say by which policy', peer }
        : { problem: describeStatus(outcome.status) };
    case 'failed':
      return { problem: outcome.reason };
  }
}

function describeStatus(status: number): string {
  switch (status) {
    case 404:
      return 'its sidecar does not serve that address and port (404)';
    case 503:
      return 'its sidecar cannot reach the application, or has no room (503)';
    default:
      return `its sidecar answered ${status}`;
  }
}
