import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../../gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Clock } from '../../lib/clock.ts';
import { DeltaStream } from '../../xds/delta-stream.ts';
import type { SubscriptionStatus } from '../../xds/delta-subscription.ts';
import { DiscoveryConnection } from '../../xds/discovery-connection.ts';
import type { ResourceView } from '../../xds/resource-view.ts';
import type { StreamLimits } from '../../xds/stream-limits.ts';
import { isIn } from './distribution-audience.ts';
import type { CatalogChange } from './distribution-catalog.ts';
import type { ConnectedAgent, DistributionEvents, Viewer } from './distribution-events.ts';

/** How far an agent is with one type; versions are the store's. */
export type TypeProgress = Pick<SubscriptionStatus, 'typeUrl' | 'acknowledged' | 'rejected'>;

export interface AgentConnectionOptions {
  readonly number: number;
  readonly viewer: Viewer;
  readonly view: ResourceView;
  readonly limits: StreamLimits;
  readonly clock: Clock;
  readonly events: DistributionEvents | undefined;
  readonly ackTimeoutMs: number;
  /** The agent leaves a response unanswered and is to be counted no longer. */
  readonly silent: () => void;
}

/** One agent's stream, its viewer and what is told of it. */
export class AgentConnection {
  readonly #options: AgentConnectionOptions;
  readonly #stream: DeltaStream;
  readonly #connection: DiscoveryConnection;
  #agent: ConnectedAgent | undefined;

  constructor(options: AgentConnectionOptions) {
    const { view, limits, clock, ackTimeoutMs } = options;
    this.#options = options;
    const noncePrefix = `${crypto.randomUUID().slice(0, 8)}-`;
    this.#stream = new DeltaStream({ view, limits, noncePrefix });
    this.#connection = new DiscoveryConnection({
      stream: this.#stream,
      clock,
      ackTimeoutMs,
      observer: {
        opened: (node) => this.#open(node),
        acknowledged: (typeUrl, version) =>
          this.#tell((events, agent) => events.acked(agent, typeUrl, version)),
        rejected: (typeUrl, _version, detail) =>
          this.#tell((events, agent) => events.nacked(agent, typeUrl, detail)),
        silent: options.silent,
      },
    });
  }

  /** Undefined before the first request. */
  get agent(): ConnectedAgent | undefined {
    return this.#agent;
  }

  get progress(): readonly TypeProgress[] {
    return this.#stream.status.map(({ typeUrl, acknowledged, rejected }) => ({
      typeUrl,
      acknowledged,
      rejected,
    }));
  }

  /** The catalog has changed; what this viewer sees neither before nor after is none of its business. */
  changed(changes: readonly CatalogChange[]): void {
    const { namespace } = this.#options.viewer;
    for (const { typeUrl, name, audiences } of changes)
      if (audiences.some((audience) => isIn(namespace, audience)))
        this.#connection.changed(typeUrl, [name]);
  }

  responses(
    requests: AsyncIterable<DeltaDiscoveryRequest>,
    signal: AbortSignal,
  ): AsyncGenerator<DeltaDiscoveryResponse> {
    return this.#connection.responses(requests, signal);
  }

  /** Tells that the agent is gone, once. */
  close(): void {
    this.#tell((events, agent) => events.disconnected(agent));
    this.#agent = undefined;
  }

  #open(node: ConnectedAgent['node']): void {
    const { number, viewer, clock } = this.#options;
    this.#agent = { connection: number, viewer, node, sinceMs: clock.now() };
    this.#tell((events, agent) => events.connected(agent));
  }

  #tell(say: (events: DistributionEvents, agent: ConnectedAgent) => void): void {
    const { events } = this.#options;
    if (events !== undefined && this.#agent !== undefined) say(events, this.#agent);
  }
}
