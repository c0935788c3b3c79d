import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  type DiscoveryRequest,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { MeshError } from '../lib/errors.ts';
import type { DeltaStreamOptions, RequestOutcome } from './delta-stream.ts';
import type { Reply } from './delta-subscription.ts';
import { type NodeInfo, nodeInfo } from './node-info.ts';
import { RequestRate } from './request-rate.ts';
import type { VersionedResource } from './resource-view.ts';
import { checkNameCount, checkSotwRequest } from './stream-limits.ts';

export interface SotwStreamOptions extends DeltaStreamOptions {
  /** The one type of the service, such as Secret. */
  readonly typeUrl: string;
}

interface InFlight {
  readonly nonce: string;
  readonly version: number;
  readonly sentAtMs: number;
}

/** What the client asks for. An empty list after names were once given asks for nothing. */
type Subscription =
  | { readonly kind: 'all' }
  | { readonly kind: 'names'; readonly names: ReadonlySet<string> };

type Visible = readonly (readonly [name: string, resource: VersionedResource])[];

const WILDCARD = '*';
const LONGEST_DETAIL = 4_096;

/**
 * The server's side of one state-of-the-world stream of one type, without I/O (xDS protocol, "SotW").
 * A response has everything asked for that exists. One is owed for names that were added and for
 * content that changed, never for an ACK or NACK alone; a name that does not exist yet is remembered
 * and answered when it appears. One response is in flight at a time.
 */
export class SotwStream {
  readonly #options: SotwStreamOptions;
  readonly #rate: RequestRate;
  #subscription: Subscription | undefined;
  /** Version last sent of each name that is asked for. */
  readonly #sent = new Map<string, string>();
  #inFlight: InFlight | undefined;
  #lastNonce = '';
  #nonces = 0;

  constructor(options: SotwStreamOptions) {
    this.#options = options;
    const { requestsPerSecond: perSecond, requestBurst: burst } = options.limits;
    this.#rate = new RequestRate({ perSecond, burst });
  }

  /**
   * Takes one request.
   *
   * @throws {MeshError} ERR_LIMIT or ERR_WIRE; the stream is then to be ended.
   */
  handle(request: DiscoveryRequest, nowMs: number): RequestOutcome {
    checkSotwRequest(request, this.#options.limits);
    this.#checkType(request.typeUrl);
    const first = this.#subscription === undefined;
    const node = first ? this.#node(request) : undefined;
    // A nonce of the first request is of a stream before this one.
    const stale = !first && request.responseNonce !== this.#lastNonce;
    const reply = first || stale ? undefined : this.#settle(request);
    // The server itself paces ACKs: one for each response that it sent.
    if (reply === undefined) this.#spend(nowMs);
    // Nothing of a stale request counts: the answer to what is in flight will have all names again.
    if (!stale) this.#subscribe(request.resourceNames);
    return { node, reply };
  }

  /** The view has changed. What is owed is found out by comparing, so nothing is noted. */
  changed(): void {
    // Nothing to do: see `next`.
  }

  /** The response to send now, if one is owed and none is in flight. It is in flight from then on. */
  next(nowMs: number): DiscoveryResponse | undefined {
    if (this.#inFlight !== undefined) return undefined;
    const visible = this.#visible();
    if (!this.#hasNews(visible)) return undefined;
    this.#sent.clear();
    for (const [name, { message }] of visible) this.#sent.set(name, message.version);
    this.#nonces += 1;
    this.#lastNonce = `${this.#options.noncePrefix}${this.#nonces}`;
    const { version } = this.#options.view;
    this.#inFlight = { nonce: this.#lastNonce, version, sentAtMs: nowMs };
    return create(DiscoveryResponseSchema, {
      typeUrl: this.#options.typeUrl,
      nonce: this.#lastNonce,
      versionInfo: versionOf(this.#sent),
      resources: visible.flatMap(([, { message }]) => message.resource ?? []),
    });
  }

  /** When the response that waits for its ACK was sent. */
  get inFlightSinceMs(): number | undefined {
    return this.#inFlight?.sentAtMs;
  }

  get owes(): boolean {
    return this.#inFlight !== undefined || this.#hasNews(this.#visible());
  }

  #hasNews(visible: Visible): boolean {
    return visible.some(([name, { message }]) => this.#sent.get(name) !== message.version);
  }

  #visible(): Visible {
    const { view, typeUrl } = this.#options;
    const subscription = this.#subscription;
    if (subscription === undefined) return [];
    if (subscription.kind === 'all') return [...view.list(typeUrl)];
    return [...subscription.names].flatMap((name) => {
      const resource = view.get(typeUrl, name);
      return resource === undefined ? [] : [[name, resource] as const];
    });
  }

  #settle(request: DiscoveryRequest): Reply | undefined {
    const answered = this.#inFlight;
    if (answered === undefined) return undefined;
    this.#inFlight = undefined;
    const { version } = answered;
    if (request.errorDetail === undefined) return { kind: 'ack', version };
    return { kind: 'nack', version, detail: request.errorDetail.message.slice(0, LONGEST_DETAIL) };
  }

  #subscribe(asked: readonly string[]): void {
    const names = new Set(asked);
    checkNameCount(names.size, this.#options.typeUrl, this.#options.limits);
    const neverNamed = this.#subscription === undefined || this.#subscription.kind === 'all';
    const all = names.has(WILDCARD) || (names.size === 0 && neverNamed);
    this.#subscription = all ? { kind: 'all' } : { kind: 'names', names };
    // Asked for again later, it is to be sent again.
    if (!all) for (const name of this.#sent.keys()) if (!names.has(name)) this.#sent.delete(name);
  }

  #checkType(typeUrl: string): void {
    const wanted = this.#options.typeUrl;
    // The service says the type; clients may leave it out.
    if (typeUrl === '' || typeUrl === wanted) return;
    throw new MeshError('ERR_WIRE', `this service has only "${wanted}", not "${typeUrl}"`);
  }

  #node(request: DiscoveryRequest): NodeInfo {
    return nodeInfo(request.node, this.#options.limits.maxNodeBytes);
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

/** The same content has the same version, on every stream and after every restart. */
function versionOf(sent: ReadonlyMap<string, string>): string {
  const pairs = [...sent].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(pairs)).digest('hex').slice(0, 16);
}
