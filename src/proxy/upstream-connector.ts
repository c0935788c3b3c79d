import { MeshError, messageOf } from '../lib/errors.ts';
import type { Watchable } from '../lib/watchable.ts';
import type { MeshFacts } from '../policy/mesh-facts.ts';
import { type Endpoint, resolveUpstream } from '../policy/resolve-upstream.ts';
import { type Address, formatAddress } from './address.ts';
import type { Channel } from './channel.ts';
import { connectTcp } from './connect-tcp.ts';
import type { Deadlines } from './deadlines.ts';
import type { DirectDialer } from './dial-direct.ts';
import { type EndpointChooser, endpointKey } from './endpoint-chooser.ts';
import type { LiveSettings } from './live-settings.ts';
import type { Peer } from './peer.ts';
import type { TlsFacts } from './proxy-events.ts';
import type { PooledOutcome, SessionPool } from './session-pool.ts';
import { socketChannel } from './socket-channel.ts';

/** A way to the service that is ready for bytes. */
export interface Upstream {
  readonly channel: Channel;
  readonly endpoint: Endpoint;
  readonly peer: Peer | undefined;
  readonly ownSerial: string | undefined;
  readonly tls: TlsFacts;
  /** Call when the connection is over. */
  readonly release: () => void;
}

export type UpstreamOutcome =
  | { readonly upstream: Upstream }
  /** The endpoint's sidecar knows who we are and refuses. */
  | { readonly denied: string; readonly endpoint: Endpoint; readonly peer: Peer | undefined }
  | { readonly problem: string };

export interface UpstreamOptions {
  readonly facts: Watchable<MeshFacts>;
  readonly settings: LiveSettings;
  readonly pool: SessionPool;
  readonly direct: DirectDialer;
  readonly chooser: EndpointChooser;
  readonly connectDeadlines: Deadlines;
}

type Way = Omit<Upstream, 'endpoint' | 'release'>;
type Resolution = ReturnType<typeof resolveUpstream>;

const MAX_ENDPOINTS_TRIED = 3;
const FORBIDDEN = 403;
const NO_TLS: TlsFacts = { tlsVersion: undefined, cipher: undefined, keyExchange: null };

/** Ways to services, by what the facts say at the moment of the call. */
export class UpstreamConnector {
  readonly #options: UpstreamOptions;
  #resolvedFrom: MeshFacts | undefined;
  readonly #resolved = new Map<string, Resolution>();

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /**
   * Tries up to three endpoints of the service, or the one at `only`. Never rejects for what the
   * network does.
   */
  async connect(service: Address, only?: Address): Promise<UpstreamOutcome> {
    const resolution = this.#resolve(service);
    if ('problem' in resolution) return resolution;
    const { chooser } = this.#options;
    const problems: string[] = [];
    let candidates = atAddress(resolution.endpoints, only);
    if (candidates.length === 0) return { problem: unusable(service, only) };
    while (problems.length < MAX_ENDPOINTS_TRIED) {
      const endpoint = chooser.choose(candidates);
      if (endpoint === undefined) break;
      const release = chooser.begin(endpoint);
      const outcome = await this.#tryEndpoint(endpoint, service);
      if ('way' in outcome) return { upstream: { ...outcome.way, endpoint, release } };
      release();
      if ('denied' in outcome) return { ...outcome, endpoint };
      problems.push(`${endpoint.workload} at ${endpointKey(endpoint)}: ${outcome.problem}`);
      candidates = candidates.filter((each) => each !== endpoint);
    }
    return { problem: [...problems, ...this.#resting(candidates)].join('; ') };
  }

  #resolve(service: Address): Resolution {
    const { facts, settings } = this.#options;
    if (this.#resolvedFrom !== facts.current) {
      this.#resolved.clear();
      this.#resolvedFrom = facts.current;
    }
    return this.#resolved.getOrInsertComputed(formatAddress(service), () =>
      resolveUpstream(facts.current, service.host, service.port, settings.current),
    );
  }

  async #tryEndpoint(
    endpoint: Endpoint,
    service: Address,
  ): Promise<{ way: Way } | { denied: string; peer: Peer | undefined } | { problem: string }> {
    const { chooser, pool } = this.#options;
    try {
      if (endpoint.transport.kind === 'hbone') {
        const target = this.#targetOf(endpoint, endpoint.transport.port);
        const { address: host, port } = endpoint;
        const pooled = await pool.open(target, formatAddress({ host, port }));
        chooser.reached(endpoint);
        return readOutcome(pooled);
      }
      const way = await this.#connectDirectly(endpoint, service);
      chooser.reached(endpoint);
      return { way };
    } catch (error) {
      if (!MeshError.is(error)) throw error;
      chooser.failed(endpoint, messageOf(error));
      return { problem: messageOf(error) };
    }
  }

  async #connectDirectly(endpoint: Endpoint, service: Address): Promise<Way> {
    const { direct, connectDeadlines } = this.#options;
    const address = { host: endpoint.address, port: endpoint.port };
    if (endpoint.transport.kind === 'istio-mtls') {
      const expectedIds = this.#expectedIds(endpoint);
      return await direct({ address, service, expectedIds });
    }
    const socket = await connectTcp(address, { deadlines: connectDeadlines });
    return { channel: socketChannel(socket), peer: undefined, ownSerial: undefined, tls: NO_TLS };
  }

  #targetOf(endpoint: Endpoint, port: number): Parameters<SessionPool['open']>[0] {
    const expectedIds = this.#expectedIds(endpoint);
    if (expectedIds.length === 0) {
      throw new MeshError(
        'ERR_UNAUTHENTICATED',
        `WorkloadEntry ${endpoint.workload} has no serviceAccount, so nobody knows who must answer there: set it`,
      );
    }
    return { address: { host: endpoint.address, port }, expectedIds };
  }

  /** The endpoint's SPIFFE ID under the mesh's trust domain and each of its aliases. */
  #expectedIds({ identity }: Endpoint): readonly string[] {
    const { trustDomain, trustDomainAliases } = this.#options.settings.current;
    if (identity === undefined) return [];
    const own = `spiffe://${trustDomain}/`;
    if (trustDomainAliases.length === 0 || !identity.startsWith(own)) return [identity];
    const path = identity.slice(own.length);
    return [identity, ...trustDomainAliases.map((alias) => `spiffe://${alias}/${path}`)];
  }

  #resting(endpoints: readonly Endpoint[]): string[] {
    return endpoints
      .slice(0, MAX_ENDPOINTS_TRIED)
      .map((endpoint) => {
        const reason = this.#options.chooser.restReason(endpoint);
        return reason === undefined ? '' : `${endpoint.workload}: ${reason}`;
      })
      .filter((text) => text !== '');
  }
}

function atAddress(endpoints: readonly Endpoint[], only: Address | undefined): readonly Endpoint[] {
  if (only === undefined) return endpoints;
  return endpoints.filter(({ address, port }) => address === only.host && port === only.port);
}

function unusable(service: Address, only: Address | undefined): string {
  const where = only === undefined ? 'no endpoint' : `no endpoint at ${formatAddress(only)}`;
  return `${formatAddress(service)} has ${where} that may be called`;
}

function readOutcome({
  outcome,
  via,
}: PooledOutcome): { way: Way } | { denied: string; peer: Peer } | { problem: string } {
  const { peer, ownSerial, tls } = via;
  switch (outcome.outcome) {
    case 'opened':
      return { way: { channel: outcome.channel, peer, ownSerial, tls } };
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
