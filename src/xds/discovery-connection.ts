import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { RequestOutcome } from './delta-stream.ts';
import { Latch } from './latch.ts';
import type { NodeInfo } from './node-info.ts';

/** What happens on one connection, told in order. */
interface ConnectionObserver {
  /** The first request has arrived. */
  opened(node: NodeInfo): void;
  acknowledged(typeUrl: string, version: number): void;
  rejected(typeUrl: string, version: number, detail: string): void;
  /** The client is taken for dead; its stream ends as soon as the writer lets it. */
  silent(): void;
}

/** The server's side of one stream, without I/O: a DeltaStream or a SotwStream. */
export interface DiscoveryStream<Request, Response> {
  /** @throws {MeshError} ERR_LIMIT or ERR_WIRE; the stream is then to be ended. */
  handle(request: Request, nowMs: number): RequestOutcome;
  changed(typeUrl: string, names: Iterable<string> | undefined): void;
  next(nowMs: number): Response | undefined;
  readonly inFlightSinceMs: number | undefined;
  /** Whether a response waits for its ACK, or is to be sent. */
  readonly owes: boolean;
}

export interface DiscoveryConnectionOptions<Request, Response> {
  readonly stream: DiscoveryStream<Request, Response>;
  readonly observer: ConnectionObserver;
  readonly clock: Clock;
  /** A client that leaves a response unanswered for so long is taken for dead. In milliseconds. */
  readonly ackTimeoutMs: number;
}

/** Joins a discovery stream to the requests and responses of one call. */
export class DiscoveryConnection<
  Request extends { readonly typeUrl: string } = DeltaDiscoveryRequest,
  Response = DeltaDiscoveryResponse,
> {
  readonly #options: DiscoveryConnectionOptions<Request, Response>;
  readonly #wake = new Latch();
  #requestsEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #watching = false;

  constructor(options: DiscoveryConnectionOptions<Request, Response>) {
    this.#options = options;
  }

  /** The view has changed at these names of a type; without names, perhaps at any. */
  changed(typeUrl: string, names?: Iterable<string>): void {
    this.#options.stream.changed(typeUrl, names);
    this.#wake.raise();
  }

  /**
   * The responses, until `requests` end or `signal` aborts. A response is made when the one before
   * it was taken, never in advance.
   *
   * @throws {MeshError} ERR_LIMIT, ERR_WIRE for what the client did; ERR_UNREACHABLE when it does not
   * answer. An error of `requests` is thrown on.
   */
  async *responses(
    requests: AsyncIterable<Request>,
    signal: AbortSignal,
  ): AsyncGenerator<Response> {
    const { stream, clock } = this.#options;
    const ended = new AbortController();
    const until = AbortSignal.any([signal, ended.signal]);
    const wake = (): void => this.#wake.raise();
    until.addEventListener('abort', wake);
    const reading = this.#read(requests, until);
    try {
      while (!signal.aborted) {
        if (this.#failure !== undefined) throw this.#failure.error;
        const response = stream.next(clock.elapsedMs());
        if (response !== undefined) {
          if (!this.#watching) void this.#watchForSilence(until);
          yield response;
        } else if (this.#requestsEnded) {
          return;
        } else {
          await this.#wake.wait();
        }
      }
    } finally {
      ended.abort();
      // A request stream that never ends must not keep this one from ending.
      void reading;
    }
  }

  async #read(requests: AsyncIterable<Request>, signal: AbortSignal): Promise<void> {
    try {
      for await (const request of requests) {
        if (signal.aborted) return;
        this.#take(request);
        this.#wake.raise();
      }
      this.#requestsEnded = true;
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#wake.raise();
  }

  #take(request: Request): void {
    const { stream, observer, clock } = this.#options;
    const { node, reply } = stream.handle(request, clock.elapsedMs());
    if (node !== undefined) observer.opened(node);
    if (reply?.kind === 'ack') observer.acknowledged(request.typeUrl, reply.version);
    if (reply?.kind === 'nack') observer.rejected(request.typeUrl, reply.version, reply.detail);
  }

  async #watchForSilence(signal: AbortSignal): Promise<void> {
    const { stream, observer, clock, ackTimeoutMs } = this.#options;
    this.#watching = true;
    for (;;) {
      const sinceMs = stream.inFlightSinceMs;
      if (sinceMs === undefined || signal.aborted) break;
      const waitMs = sinceMs + ackTimeoutMs - clock.elapsedMs();
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      else {
        const error = new MeshError(
          'ERR_UNREACHABLE',
          `the client has not answered a response for ${ackTimeoutMs} ms; the stream is ended`,
        );
        this.#failure ??= { error };
        this.#wake.raise();
        observer.silent();
        break;
      }
    }
    this.#watching = false;
  }
}
