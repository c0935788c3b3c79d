import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { MeshError } from '../lib/errors.ts';
import { DeltaSubscription, type Reply, type SubscriptionStatus } from './delta-subscription.ts';
import { type NodeInfo, nodeInfo } from './node-info.ts';
import { RequestRate } from './request-rate.ts';
import type { ResourceView } from './resource-view.ts';
import { checkRequest, type StreamLimits } from './stream-limits.ts';

export interface DeltaStreamOptions {
  readonly view: ResourceView;
  readonly limits: StreamLimits;
  /** Begins every nonce; different for each stream, so that an old stream's nonce is never taken for a new one's. */
  readonly noncePrefix: string;
}

/** What a request turned out to be. */
export interface RequestOutcome {
  /** Set by the first request of the stream. */
  readonly node: NodeInfo | undefined;
  /** Set when the request was the awaited ACK or NACK. */
  readonly reply: Reply | undefined;
}

/**
 * The server's side of one delta discovery stream, without I/O: requests and changes go in, responses
 * come out. One response per type is in flight; what changes meanwhile is sent, once, after the ACK
 * or NACK.
 */
export class DeltaStream {
  readonly #options: DeltaStreamOptions;
  readonly #rate: RequestRate;
  readonly #subscriptions = new Map<string, DeltaSubscription>();
  #nonces = 0;
  #opened = false;

  constructor(options: DeltaStreamOptions) {
    this.#options = options;
    const { requestsPerSecond: perSecond, requestBurst: burst } = options.limits;
    this.#rate = new RequestRate({ perSecond, burst });
  }

  /**
   * Takes one request.
   *
   * @throws {MeshError} ERR_LIMIT or ERR_WIRE; the stream is then to be ended.
   */
  handle(request: DeltaDiscoveryRequest, nowMs: number): RequestOutcome {
    checkRequest(request, this.#options.limits);
    const node = this.#opened
      ? undefined
      : nodeInfo(request.node, this.#options.limits.maxNodeBytes);
    this.#opened = true;
    return { node, reply: this.#advance(request, nowMs) };
  }

  /** The view has changed at these names of a type; without names, perhaps at any. */
  changed(typeUrl: string, names?: Iterable<string>): void {
    const subscription = this.#subscriptions.get(typeUrl);
    if (names === undefined) subscription?.touchAll();
    else if (subscription !== undefined) for (const name of names) subscription.touch(name);
  }

  /** The next response that may be sent now. */
  next(nowMs: number): DeltaDiscoveryResponse | undefined {
    const nonce = `${this.#options.noncePrefix}${this.#nonces + 1}`;
    for (const subscription of this.#subscriptions.values()) {
      const response = subscription.next(nonce, nowMs);
      if (response === undefined) continue;
      this.#nonces += 1;
      return response;
    }
    return undefined;
  }

  /** Each subscribed type's progress. */
  get status(): readonly SubscriptionStatus[] {
    return [...this.#subscriptions.values()].map(({ status }) => status);
  }

  /** When the response that has waited longest for its ACK was sent. */
  get inFlightSinceMs(): number | undefined {
    let oldest: number | undefined;
    for (const { status } of this.#subscriptions.values())
      if (status.inFlightSinceMs !== undefined)
        oldest = Math.min(oldest ?? Number.POSITIVE_INFINITY, status.inFlightSinceMs);
    return oldest;
  }

  get owes(): boolean {
    return [...this.#subscriptions.values()].some(({ owes }) => owes);
  }

  #advance(request: DeltaDiscoveryRequest, nowMs: number): Reply | undefined {
    const subscription = this.#subscriptions.get(request.typeUrl);
    if (subscription === undefined) {
      this.#spend(nowMs);
      this.#open(request);
      return undefined;
    }
    const reply = subscription.settle(request);
    // The server itself paces ACKs: one for each response that it sent.
    if (reply === undefined || changesSubscription(request)) this.#spend(nowMs);
    subscription.update(request);
    return reply;
  }

  #open(request: DeltaDiscoveryRequest): void {
    const { view, limits } = this.#options;
    if (this.#subscriptions.size >= limits.maxTypes)
      throw new MeshError(
        'ERR_LIMIT',
        `subscription to "${request.typeUrl}" refused: the stream has ${limits.maxTypes} types, the most it may have`,
      );
    this.#subscriptions.set(request.typeUrl, new DeltaSubscription(request, view, limits));
  }

  #spend(nowMs: number): void {
    if (this.#rate.take(nowMs)) return;
    const { requestsPerSecond, requestBurst } = this.#options.limits;
    throw new MeshError(
      'ERR_LIMIT',
      `too many discovery requests: ${requestBurst} at once and ${requestsPerSecond} a second are allowed`,
    );
  }
}

function changesSubscription(request: DeltaDiscoveryRequest): boolean {
  return request.resourceNamesSubscribe.length > 0 || request.resourceNamesUnsubscribe.length > 0;
}
