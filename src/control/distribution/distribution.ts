import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../../gen/envoy/service/discovery/v3/discovery_pb.js';
import { aborted } from '../../lib/aborted.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { KindDefinition } from '../../resources/kind-definition.ts';
import { kinds as allKinds } from '../../resources/kinds.ts';
import type { Store } from '../../store/store.ts';
import { defaultStreamLimits, type StreamLimits } from '../../xds/stream-limits.ts';
import { FactCatalog } from './distribution-catalog.ts';
import { AgentConnection, type TypeProgress } from './distribution-connection.ts';
import type { ConnectedAgent, DistributionEvents, Viewer } from './distribution-events.ts';
import { CatalogReader } from './distribution-reader.ts';
import { fanOutPauseMs } from './fan-out-pause.ts';

export interface DistributionOptions {
  readonly store: Store;
  /** The namespace whose policies are mesh-wide. */
  readonly rootNamespace: string;
  readonly clock: Clock;
  readonly events?: DistributionEvents;
  /** Default: every kind there is. */
  readonly kinds?: readonly KindDefinition[];
  readonly limits?: Partial<StreamLimits>;
  /** Streams at a time; a further one is refused. Default 20,000. */
  readonly maxConnections?: number;
  /** A response unanswered for so long ends its stream, in milliseconds. Default 60,000. */
  readonly ackTimeoutMs?: number;
}

/** What one connected agent has acknowledged. */
export interface AgentProgress {
  readonly agent: ConnectedAgent;
  readonly types: readonly TypeProgress[];
}

/** Whether all have what they may see, and who has not. */
export interface Convergence {
  readonly converged: boolean;
  readonly behind: readonly (TypeProgress & { readonly agent: ConnectedAgent })[];
}

/**
 * Fans the facts of a store out to agents: one reader, one encoding per version, to each viewer
 * what its namespace may see.
 */
export class Distribution {
  readonly #options: DistributionOptions;
  readonly #catalog: FactCatalog;
  readonly #reader: CatalogReader;
  readonly #connections = new Set<AgentConnection>();
  readonly #loaded = Promise.withResolvers<void>();
  #opened = 0;

  constructor(options: DistributionOptions) {
    const { store, clock, rootNamespace, kinds = allKinds } = options;
    this.#options = options;
    this.#catalog = new FactCatalog({ rootNamespace, kinds });
    this.#reader = new CatalogReader({
      store,
      clock,
      kinds,
      catalog: this.#catalog,
      published: (changes) => {
        this.#loaded.resolve();
        for (const connection of this.#connections) connection.changed(changes);
      },
      pauseMs: () => fanOutPauseMs(this.#connections.size),
      interrupted: (reason) => options.events?.interrupted(reason),
    });
  }

  /** Follows the store until `signal` aborts; nobody is answered before the store was read once. */
  run(signal: AbortSignal): Promise<void> {
    return this.#reader.run(signal);
  }

  /**
   * Answers one delta stream until `requests` end or `signal` aborts. The viewer comes from the
   * caller's certificate; nothing in the requests can widen what it sees.
   *
   * @throws {MeshError} ERR_LIMIT, ERR_WIRE, ERR_UNREACHABLE (see DiscoveryConnection).
   */
  async *serve(
    requests: AsyncIterable<DeltaDiscoveryRequest>,
    viewer: Viewer,
    signal: AbortSignal,
  ): AsyncGenerator<DeltaDiscoveryResponse> {
    const connection = this.#connect(viewer);
    const close = (): void => this.#disconnect(connection);
    // A writer that hangs may never come back to this generator: the signal has to be enough.
    signal.addEventListener('abort', close, { once: true });
    try {
      await this.#untilLoaded(signal);
      yield* connection.responses(requests, signal);
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
  }

  /** The store version of the facts that are being distributed; 0 before the store was read. */
  get version(): number {
    return this.#catalog.version;
  }

  /** How often a resource was encoded since the beginning. */
  get encodings(): number {
    return this.#catalog.encodings;
  }

  /** Who is connected, and what each has acknowledged. */
  get agents(): readonly AgentProgress[] {
    return [...this.#connections].flatMap(({ agent, progress }) =>
      agent === undefined ? [] : [{ agent, types: progress }],
    );
  }

  /**
   * Whether every connected agent has acknowledged, of all types that it subscribes to (or only
   * those in `types`), whatever it may see of the store up to `version`. A fact that an agent
   * rejected keeps it behind until that fact changes or goes.
   */
  converged(version: number, types?: readonly string[]): Convergence {
    const behind = this.agents.flatMap((progress) =>
      progress.types
        .filter(({ typeUrl }) => types === undefined || types.includes(typeUrl))
        .filter(({ acknowledged }) => acknowledged < version)
        .map((type) => ({ agent: progress.agent, ...type })),
    );
    return { converged: behind.length === 0 && this.version >= version, behind };
  }

  #connect(viewer: Viewer): AgentConnection {
    const { clock, events, limits, maxConnections = 20_000, ackTimeoutMs = 60_000 } = this.#options;
    if (this.#connections.size >= maxConnections)
      throw new MeshError(
        'ERR_LIMIT',
        `stream of "${viewer.id}" refused: ${maxConnections} agents are connected, the most allowed`,
      );
    this.#opened += 1;
    const connection: AgentConnection = new AgentConnection({
      number: this.#opened,
      viewer,
      view: this.#catalog.viewFor(viewer.namespace),
      limits: { ...defaultStreamLimits, ...limits },
      clock,
      events,
      ackTimeoutMs,
      silent: () => this.#disconnect(connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  #disconnect(connection: AgentConnection): void {
    this.#connections.delete(connection);
    connection.close();
  }

  async #untilLoaded(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#loaded.promise, aborted(signal)]);
  }
}
