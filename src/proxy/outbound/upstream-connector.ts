import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import {
  type ConnectionBounds,
  connectionBounds,
} from '../../policy/upstream/connection-bounds.ts';
import { describeClientTlsAuthor } from '../../policy/upstream/effective-client-tls.ts';
import { type OutlierSettings, outlierSettings } from '../../policy/upstream/outlier-settings.ts';
import {
  type Endpoint,
  type ResolvedUpstream,
  resolveUpstream,
} from '../../policy/upstream/resolve-upstream.ts';
import type { Workload } from '../../policy/workload.ts';
import { type Address, formatAddress } from '../address.ts';
import type { Peer } from '../tls/peer.ts';
import { DialAttempts } from './dial-attempts.ts';
import type { Balancing, EndpointChooser } from './endpoint-chooser.ts';
import type { DialOutcome, EndpointDialer, Way } from './endpoint-dialer.ts';
import type { OutboundView } from './outbound-view.ts';

/** A service to be called, and the part of it that is meant. */
export interface CalledService extends Address {
  /** A subset that a DestinationRule names; none: all of it. */
  readonly subset?: string | undefined;
}

/** A way to the service that is ready for bytes. */
export interface Upstream extends Way {
  readonly endpoint: Endpoint;
  /** Who decided how the service is spoken to. */
  readonly by: string;
  readonly bounds: ConnectionBounds;
  /** Call when the connection is over. */
  readonly release: () => void;
}

export type UpstreamOutcome =
  | { readonly upstream: Upstream }
  /** The endpoint's sidecar knows who we are and refuses. */
  | { readonly denied: string; readonly endpoint: Endpoint; readonly peer: Peer | undefined }
  | { readonly problem: string };

export interface UpstreamOptions {
  readonly view: OutboundView;
  /** Who calls; rules may be for some workloads only. */
  readonly workload: Watchable<Workload>;
  readonly dialer: Pick<EndpointDialer, 'dial' | 'warm'>;
  readonly chooser: EndpointChooser;
  readonly clock: Clock;
  /** How long one call waits for addresses that rest, in milliseconds. */
  readonly redialWithinMs: number;
}

interface Plan extends ResolvedUpstream {
  readonly by: string;
  readonly bounds: ConnectionBounds;
  readonly outlier: OutlierSettings | undefined;
  readonly balancing: Balancing;
}

/** What became of a dial; `again` tells that the same address may well answer in a moment. */
type TriedOutcome =
  | Exclude<DialOutcome, { problem: string }>
  | { readonly problem: string; readonly again: boolean };

const SHORTEST_PAUSE_MS = 25;
const MAX_NAMED_RESTS = 3;
const MAX_WARMED = 8;
const MAX_PLANS = 10_000;

/** Ways to services, by what the facts say at the moment of the call. */
export class UpstreamConnector {
  readonly #options: UpstreamOptions;
  #plannedFrom: unknown;
  readonly #plans = new Map<string, Plan | { readonly problem: string }>();
  /** Connections that are open or coming about, by service. */
  readonly #open = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /**
   * Tries up to three endpoints of the service, or the one at `only`. Where all were lost, and not
   * refused, those that come back within `redialWithinMs` are tried again, up to six dials in all:
   * nothing of the caller's has gone out by then. Never rejects for what the network does.
   */
  async connect(service: CalledService, only?: Address): Promise<UpstreamOutcome> {
    const plan = this.#plan(service);
    if ('problem' in plan) return plan;
    const key = formatAddress(service);
    const { maxConnections } = plan.bounds;
    if (maxConnections !== undefined && (this.#open.get(key) ?? 0) >= maxConnections) {
      const rule = plan.traffic.connectionPool?.rule;
      return {
        problem: `${maxConnections} connections to ${key} are open, which is the limit (connectionPool.tcp.maxConnections of DestinationRule ${rule})`,
      };
    }
    const leave = this.#enter(key);
    const outcome = await this.#connectTo(plan, service, only);
    if (!('upstream' in outcome)) {
      leave();
      return outcome;
    }
    const { upstream } = outcome;
    const release = (): void => {
      leave();
      upstream.release();
    };
    return { upstream: { ...upstream, release } };
  }

  /** Waits for nobody any more. */
  close(): void {
    this.#closing.abort();
  }

  /** Makes the shared sessions to the endpoints of a service before they are needed. Never rejects. */
  async warm(service: CalledService): Promise<void> {
    const plan = this.#plan(service);
    if ('problem' in plan) return;
    const { dialer } = this.#options;
    const first = plan.endpoints.slice(0, MAX_WARMED);
    // Who cannot be reached now is told to the first who calls.
    await Promise.allSettled(first.map((endpoint) => dialer.warm(endpoint)));
  }

  async #connectTo(
    plan: Plan,
    service: CalledService,
    only: Address | undefined,
  ): Promise<UpstreamOutcome> {
    const { chooser } = this.#options;
    const { bounds, by } = plan;
    const candidates = atAddress(plan.endpoints, only);
    if (candidates.length === 0) return { problem: unusable(service, only) };
    const attempts = new DialAttempts(candidates);
    const untilMs = this.#options.clock.elapsedMs() + this.#options.redialWithinMs;
    for (;;) {
      const endpoint = await this.#next(attempts, plan.balancing, untilMs);
      if (endpoint === undefined) break;
      const release = chooser.begin(endpoint);
      const outcome = await this.#tryEndpoint(endpoint, service, plan);
      if ('way' in outcome) return { upstream: { ...outcome.way, endpoint, by, bounds, release } };
      release();
      if ('denied' in outcome) return { ...outcome, endpoint };
      attempts.failed(endpoint, outcome.problem, outcome.again);
    }
    return { problem: [...attempts.problems, ...this.#resting(attempts.left)].join('; ') };
  }

  /** Whom to dial now, perhaps after a rest; undefined: nobody more. */
  async #next(
    attempts: DialAttempts,
    balancing: Balancing,
    untilMs: number,
  ): Promise<Endpoint | undefined> {
    const { chooser, clock } = this.#options;
    const { signal } = this.#closing;
    let endpoint = chooser.choose(attempts.untried, balancing);
    while (endpoint === undefined && !signal.aborted) {
      const waited = attempts.worthWaitingFor;
      const waitsMs = waited
        .map((each) => chooser.readyInMs(each))
        .filter((ms) => ms !== undefined);
      const waitMs = Math.max(SHORTEST_PAUSE_MS, Math.min(...waitsMs));
      if (clock.elapsedMs() + waitMs > untilMs) return undefined;
      await clock.sleep(waitMs, signal);
      endpoint = chooser.choose(
        waited.filter((each) => chooser.readyInMs(each) === 0),
        balancing,
      );
    }
    return endpoint;
  }

  #plan(service: CalledService): Plan | { readonly problem: string } {
    const { current } = this.#options.view;
    if (current !== this.#plannedFrom) {
      this.#plans.clear();
      this.#plannedFrom = current;
    }
    if (this.#plans.size >= MAX_PLANS) this.#plans.clear();
    const key = `${formatAddress(service)} ${service.subset ?? ''}`;
    return this.#plans.getOrInsertComputed(key, () => this.#planOf(service));
  }

  #planOf({ host, port, subset }: CalledService): Plan | { readonly problem: string } {
    const { view, workload } = this.#options;
    const { facts, settings, by: narrowedBy } = view.current;
    const call = { host, port, subset, client: workload.current };
    const resolved = resolveUpstream(facts, call, settings);
    if ('problem' in resolved) return withSidecar(resolved.problem, narrowedBy);
    const { traffic, tls } = resolved;
    return {
      ...resolved,
      by: describeClientTlsAuthor(tls.by),
      bounds: connectionBounds(traffic.connectionPool?.value, settings.connectTimeoutMs),
      outlier: outlierSettings(traffic.outlierDetection?.value),
      balancing: {
        service: `${host}:${port}`,
        method: methodOf(traffic.loadBalancer?.value.simple),
      },
    };
  }

  async #tryEndpoint(
    endpoint: Endpoint,
    service: CalledService,
    { bounds, outlier, endpoints }: Plan,
  ): Promise<TriedOutcome> {
    const { chooser, dialer } = this.#options;
    const begunAt = chooser.moment;
    const done = chooser.dialling(endpoint);
    try {
      const outcome = await dialer.dial({ endpoint, service, bounds });
      chooser.reached(endpoint);
      return 'problem' in outcome ? { ...outcome, again: false } : outcome;
    } catch (error) {
      if (!MeshError.is(error)) throw error;
      const among = outlier === undefined ? undefined : { outlier, all: endpoints };
      chooser.failed(endpoint, messageOf(error), { begunAt, among });
      return { problem: messageOf(error), again: MeshError.is(error, 'ERR_UNREACHABLE') };
    } finally {
      done();
    }
  }

  #enter(key: string): () => void {
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1);
    return () => {
      const left = (this.#open.get(key) ?? 1) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    };
  }

  #resting(endpoints: readonly Endpoint[]): string[] {
    return endpoints
      .slice(0, MAX_NAMED_RESTS)
      .map((endpoint) => {
        const reason = this.#options.chooser.restReason(endpoint);
        return reason === undefined ? '' : `${endpoint.workload}: ${reason}`;
      })
      .filter((text) => text !== '');
  }
}

/** A service may be there, and left out. */
function withSidecar(problem: string, by: string | undefined): { readonly problem: string } {
  return {
    problem:
      by === undefined ? problem : `${problem} (as far as Sidecar ${by} lets this workload see)`,
  };
}

function methodOf(simple: string | undefined): Balancing['method'] {
  return simple === 'RANDOM' || simple === 'ROUND_ROBIN' ? simple : 'LEAST_REQUEST';
}

function atAddress(endpoints: readonly Endpoint[], only: Address | undefined): readonly Endpoint[] {
  if (only === undefined) return endpoints;
  return endpoints.filter(({ address, port }) => address === only.host && port === only.port);
}

function unusable(service: Address, only: Address | undefined): string {
  const where = only === undefined ? 'no endpoint' : `no endpoint at ${formatAddress(only)}`;
  return `${formatAddress(service)} has ${where} that may be called`;
}
