import { createClient, type Transport } from '@connectrpc/connect';
import { AggregatedDiscoveryService } from '../gen/envoy/service/discovery/v3/ads_pb.js';
import type { DeltaDiscoveryRequest } from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { type Watchable, WatchableValue } from '../lib/watchable.ts';
import { type ClientNode, DeltaClientSession } from './delta-client-session.ts';
import { Outbox } from './outbox.ts';
import type { Rejection, ResourceSink } from './resource-sink.ts';

/**
 * One connection to a control plane, for one attempt. Its HTTP/2 keepalive (connect-node's
 * `pingIntervalMs` and `pingTimeoutMs`) is what ends the stream when the other side hangs or vanishes.
 */
export interface AdsConnection {
  readonly transport: Transport;
  /** Lets go of what is under the transport; called once, a second after the attempt has ended. */
  close(): void;
}

/** Where a client stands with its control plane. Times are in milliseconds since 1970. */
export type AdsState =
  /** Opening a stream, or being sent what is missing. */
  | { readonly phase: 'connecting'; readonly sinceMs: number }
  /** Has everything the control plane has, and is told of each change. */
  | { readonly phase: 'synced'; readonly sinceMs: number }
  /** Cut off; tries again by itself. What is held stays. */
  | {
      readonly phase: 'waiting';
      /** When the control plane was last in sync, or the client began. */
      readonly sinceMs: number;
      readonly retryAtMs: number;
      readonly failures: number;
      readonly lastError: string;
    };

interface AdsClientEvents {
  /** Resources of a response that were not accepted; the control plane was told. */
  rejected(typeUrl: string, rejections: readonly Rejection[]): void;
}

export interface AdsClientOptions {
  /** Opens a connection for one attempt, with the credentials of that moment. May throw. */
  readonly connect: (signal: AbortSignal) => AdsConnection | Promise<AdsConnection>;
  /** Type URLs, all of each of which is subscribed to. */
  readonly types: readonly string[];
  /** Asked at each attempt. */
  readonly node: () => ClientNode;
  readonly sink: ResourceSink;
  /**
   * What is waited for before a response of that type, all of which was taken, is acknowledged; it
   * must come well within the server's patience. Undefined: nothing. Other types go on meanwhile.
   */
  readonly beforeAck?: (typeUrl: string) => Promise<void> | undefined;
  readonly clock: Clock;
  readonly events?: AdsClientEvents;
  /** Delay after the first failure in a row, in milliseconds. Default 1,000. */
  readonly firstRetryMs?: number;
  /** Default 30,000. */
  readonly maxRetryMs?: number;
  /** How long opening, and then each response, may take until all is in sync, in milliseconds. Default 45,000. */
  readonly syncTimeoutMs?: number;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
}

interface Deadline {
  set(): void;
  clear(): void;
}

/**
 * connect-node (2.2.0) drops its 'error' listener of a session when it is told to let go of it. Told
 * that in between a session's failure and its 'error' event, as happens when a PING is not answered,
 * it leaves that event to nobody, and the process dies of it.
 */
const CLOSE_DELAY_MS = 1_000;

const RECONNECT = new MeshError('ERR_UNREACHABLE', 'the stream is opened anew');

/** How long a stream must have been in sync for the next failure to count as the first. */
const STEADY_MS = 30_000;

/**
 * A delta ADS client that keeps a sink equal to what its control plane lets it see, over as many
 * connections as that takes. A connection that dies silently is noticed by the connection's own
 * keepalive and, until it is in sync, by `syncTimeoutMs`.
 */
export class AdsClient {
  readonly #options: AdsClientOptions;
  readonly #state: WatchableValue<AdsState>;
  #present: AbortController | undefined;
  /** Since when the client is cut off, if it is. */
  #cutOffMs: number;
  /** By the clock that nobody sets. */
  #steadyFromMs: number | undefined;

  constructor(options: AdsClientOptions) {
    this.#options = options;
    this.#cutOffMs = options.clock.now();
    this.#state = new WatchableValue<AdsState>({ phase: 'connecting', sinceMs: this.#cutOffMs });
  }

  get state(): Watchable<AdsState> {
    return this.#state;
  }

  /** Ends the present stream, if there is one, and at once opens another with the credentials of now. */
  reconnect(): void {
    this.#present?.abort(RECONNECT);
  }

  /** Connects, and connects again, until `signal` aborts. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const {
      clock,
      firstRetryMs = 1_000,
      maxRetryMs = 30_000,
      random = Math.random,
    } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      const lastError = await this.#attempt(signal);
      if (signal.aborted) return;
      if (lastError === RECONNECT.message) continue;
      failures = this.#wasSteady() ? 1 : failures + 1;
      const waitMs = backoffMs(failures, { firstMs: firstRetryMs, maxMs: maxRetryMs, random });
      const retryAtMs = clock.now() + waitMs;
      this.#state.set({
        phase: 'waiting',
        sinceMs: this.#cutOffMs,
        retryAtMs,
        failures,
        lastError,
      });
      await clock.sleep(waitMs, signal);
    }
  }

  /** One stream from opening to end; returns why it ended. */
  async #attempt(signal: AbortSignal): Promise<string> {
    const { clock } = this.#options;
    const attempt = new AbortController();
    this.#present = attempt;
    const deadline = this.#deadline(attempt);
    this.#steadyFromMs = undefined;
    this.#state.set({ phase: 'connecting', sinceMs: clock.now() });
    try {
      const until = AbortSignal.any([signal, attempt.signal]);
      const connection = await this.#open(deadline, until);
      try {
        await this.#converse(connection, deadline, until);
      } finally {
        void this.#closeLater(connection, signal);
      }
      return 'the control plane ended the stream';
    } catch (error) {
      return messageOf(attempt.signal.aborted ? attempt.signal.reason : error);
    } finally {
      deadline.clear();
      attempt.abort();
      if (this.#state.current.phase === 'synced') this.#cutOffMs = clock.now();
    }
  }

  /** The connection, unless `signal` aborts first; one that opens too late is closed. */
  async #open(deadline: Deadline, signal: AbortSignal): Promise<AdsConnection> {
    deadline.set();
    const connecting = Promise.resolve(this.#options.connect(signal));
    const aborted = new Promise<undefined>((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const connection = signal.aborted ? undefined : await Promise.race([connecting, aborted]);
    if (connection !== undefined) return connection;
    connecting.then((late) => late.close()).catch(() => undefined);
    throw signal.reason;
  }

  async #closeLater(connection: AdsConnection, signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(CLOSE_DELAY_MS, signal);
    connection.close();
  }

  async #converse(
    connection: AdsConnection,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<void> {
    const { types, node, sink, events, beforeAck } = this.#options;
    const session = new DeltaClientSession({ types, node: node(), sink });
    const outbox = new Outbox<DeltaDiscoveryRequest>();
    for (const request of session.open()) outbox.push(request);
    const client = createClient(AggregatedDiscoveryService, connection.transport);
    try {
      for await (const response of client.deltaAggregatedResources(outbox, { signal })) {
        const { reply, rejections } = session.receive(response);
        const held = rejections.length === 0 ? beforeAck?.(response.typeUrl) : undefined;
        if (held === undefined) outbox.push(reply);
        else void held.then(() => outbox.push(reply));
        if (rejections.length > 0) events?.rejected(response.typeUrl, rejections);
        if (session.synced) this.#nowSynced();
        if (session.synced) deadline.clear();
        else deadline.set();
      }
    } finally {
      outbox.end();
    }
  }

  /** Aborts `attempt` when it was set and neither set again nor cleared in time. */
  #deadline(attempt: AbortController): Deadline {
    const { clock, syncTimeoutMs = 45_000 } = this.#options;
    let met = new AbortController();
    const watch = async (signal: AbortSignal): Promise<void> => {
      await clock.sleep(syncTimeoutMs, signal);
      if (signal.aborted) return;
      const message = `the control plane has not answered for ${syncTimeoutMs} ms`;
      attempt.abort(new MeshError('ERR_UNREACHABLE', message));
    };
    const clear = (): void => met.abort();
    const set = (): void => {
      clear();
      met = new AbortController();
      void watch(met.signal);
    };
    return { set, clear };
  }

  #nowSynced(): void {
    if (this.#state.current.phase === 'synced') return;
    const { clock } = this.#options;
    this.#steadyFromMs = clock.elapsedMs() + STEADY_MS;
    this.#state.set({ phase: 'synced', sinceMs: clock.now() });
  }

  #wasSteady(): boolean {
    return (
      this.#steadyFromMs !== undefined && this.#options.clock.elapsedMs() >= this.#steadyFromMs
    );
  }
}
