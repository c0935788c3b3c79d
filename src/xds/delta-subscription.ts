import { create } from '@bufbuild/protobuf';
import {
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type Resource as ResourceMessage,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import type { ResourceView } from './resource-view.ts';
import { checkNameCount, type StreamLimits } from './stream-limits.ts';
import { formatSystemVersion } from './system-version.ts';

/** How far one subscriber has come with one type. */
export interface SubscriptionStatus {
  readonly typeUrl: string;
  /** The newest version of the view of which all that this subscriber sees was acknowledged; 0 = none. */
  readonly acknowledged: number;
  /** Why the last NACK rejected something that has neither changed nor gone since. */
  readonly rejected: string | undefined;
  /** When the response that waits for its ACK was sent. */
  readonly inFlightSinceMs: number | undefined;
}

/** What a request said about the response in flight. */
export type Reply =
  | { readonly kind: 'ack'; readonly version: number }
  | { readonly kind: 'nack'; readonly version: number; readonly detail: string };

interface InFlight {
  readonly nonce: string;
  /** Sent or removed by it. */
  readonly names: ReadonlySet<string>;
  readonly version: number;
  /** Whether nothing of `version` was left for a next response. */
  readonly complete: boolean;
  readonly sentAtMs: number;
}

const WILDCARD = '*';
/** Unlike any version: the client has the resource, and asked to be sent it all the same. */
const TO_BE_SENT_AGAIN = '';
const LONGEST_DETAIL = 4_096;

/**
 * One type on one delta stream (xDS protocol, "Incremental xDS"): what the client asked, what it was
 * sent, what is owed to it. No I/O. What is remembered is bounded by the view, by what was sent and
 * by the names the client may spell out, however long it does not answer.
 */
export class DeltaSubscription {
  readonly typeUrl: string;
  readonly #view: ResourceView;
  readonly #limits: StreamLimits;
  #wildcard = false;
  readonly #names = new Set<string>();
  /** What the client has when it accepts everything: name -> version. */
  readonly #held = new Map<string, string>();
  /** Names whose version in the view is not the held one. */
  readonly #changed = new Set<string>();
  /** Names asked for that do not exist: owed an answer in `removed_resources`. */
  readonly #missing = new Set<string>();
  /** The first request is answered even if there is nothing: the client learns that this is all. */
  #answerOwed = true;
  #inFlight: InFlight | undefined;
  #rejection: { readonly detail: string; readonly names: Set<string> } | undefined;
  #acknowledged = 0;

  /** From the first request of this type on its stream; whatever nonce that carries is of another stream. */
  constructor(request: DeltaDiscoveryRequest, view: ResourceView, limits: StreamLimits) {
    this.typeUrl = request.typeUrl;
    this.#view = view;
    this.#limits = limits;
    const { resourceNamesSubscribe: subscribe, initialResourceVersions: initial } = request;
    // Clients older than the name "*" ask for everything by asking for nothing.
    this.#wildcard =
      subscribe.includes(WILDCARD) ||
      (subscribe.length === 0 && !request.resourceNamesUnsubscribe.includes(WILDCARD));
    for (const name of subscribe) if (name !== WILDCARD) this.#names.add(name);
    checkNameCount(this.#names.size, this.typeUrl, limits);
    for (const [name, version] of Object.entries(initial))
      if (this.#covers(name)) this.#held.set(name, version);
    for (const name of this.#names)
      if (!this.#held.has(name) && this.#current(name) === undefined) this.#missing.add(name);
    this.#compareAll();
  }

  /** Changes of subscription in a later request; honoured whatever its nonce. */
  update(request: DeltaDiscoveryRequest): void {
    // Unsubscribing goes first: a name in both lists is then answered, and nobody waits in vain.
    this.#unsubscribe(request.resourceNamesUnsubscribe);
    this.#subscribe(request.resourceNamesSubscribe);
  }

  /** Takes an ACK or NACK; undefined when `response_nonce` is not that of the response in flight. */
  settle(request: DeltaDiscoveryRequest): Reply | undefined {
    const sent = this.#inFlight;
    if (sent === undefined || sent.nonce !== request.responseNonce) return undefined;
    this.#inFlight = undefined;
    for (const name of sent.names) if (!this.#covers(name)) this.#held.delete(name);
    if (request.errorDetail !== undefined) {
      const detail = request.errorDetail.message.slice(0, LONGEST_DETAIL);
      const names = [...this.#rejectedNames, ...sent.names].filter((name) => this.#held.has(name));
      this.#rejection = { detail, names: new Set(names) };
      return { kind: 'nack', version: sent.version, detail };
    }
    this.#forgiveRejected(sent.names);
    if (sent.complete && this.#rejection === undefined) this.#acknowledged = sent.version;
    return { kind: 'ack', version: sent.version };
  }

  /** The view has changed at `name`. */
  touch(name: string): void {
    if (this.#covers(name)) this.#compare(name);
  }

  /** The view may have changed at any name. */
  touchAll(): void {
    this.#compareAll();
  }

  /** The response to send now, if one is owed and none is in flight. It is in flight from then on. */
  next(nonce: string, nowMs: number): DeltaDiscoveryResponse | undefined {
    if (this.#inFlight !== undefined || this.#nothingOwed) return undefined;
    const { resources, removed } = this.#collect();
    const complete = this.#changed.size === 0 && this.#missing.size === 0;
    const { version } = this.#view;
    const names = new Set([...resources.map(({ name }) => name), ...removed]);
    this.#answerOwed = false;
    this.#inFlight = { nonce, names, version, complete, sentAtMs: nowMs };
    return create(DeltaDiscoveryResponseSchema, {
      typeUrl: this.typeUrl,
      nonce,
      systemVersionInfo: formatSystemVersion({ version: String(version), complete }),
      resources,
      removedResources: removed,
    });
  }

  get status(): SubscriptionStatus {
    const settled =
      this.#nothingOwed && this.#inFlight === undefined && this.#rejection === undefined;
    return {
      typeUrl: this.typeUrl,
      acknowledged: settled ? this.#view.version : this.#acknowledged,
      rejected: this.#rejection?.detail,
      inFlightSinceMs: this.#inFlight?.sentAtMs,
    };
  }

  /** Whether a response waits for its ACK, or is to be sent. */
  get owes(): boolean {
    return this.#inFlight !== undefined || !this.#nothingOwed;
  }

  get #nothingOwed(): boolean {
    return !this.#answerOwed && this.#changed.size === 0 && this.#missing.size === 0;
  }

  get #rejectedNames(): Iterable<string> {
    return this.#rejection?.names ?? [];
  }

  #covers(name: string): boolean {
    return this.#wildcard || this.#names.has(name);
  }

  #current(name: string): ResourceMessage | undefined {
    return this.#view.get(this.typeUrl, name)?.message;
  }

  #compare(name: string): void {
    const current = this.#current(name);
    if (current !== undefined) {
      this.#missing.delete(name);
      if (this.#held.get(name) === current.version) this.#changed.delete(name);
      else this.#changed.add(name);
    } else if (this.#held.has(name)) {
      this.#changed.add(name);
    } else if (this.#changed.delete(name) && this.#names.has(name)) {
      // It came and went before it was sent, and somebody may be waiting for an answer.
      this.#missing.add(name);
    }
  }

  #compareAll(): void {
    for (const name of this.#held.keys()) this.#compare(name);
    for (const name of this.#names) this.#compare(name);
    if (!this.#wildcard) return;
    for (const [name] of this.#view.list(this.typeUrl)) this.#compare(name);
  }

  #subscribe(names: readonly string[]): void {
    for (const name of names) {
      if (name === WILDCARD) this.#subscribeToAll();
      else this.#names.add(name);
    }
    checkNameCount(this.#names.size, this.typeUrl, this.#limits);
    // Also what is held is answered: the client may have dropped it before it asked again.
    for (const name of names) if (name !== WILDCARD) this.#answer(name);
  }

  #subscribeToAll(): void {
    this.#wildcard = true;
    this.#answerOwed = true;
    for (const name of this.#held.keys()) this.#held.set(name, TO_BE_SENT_AGAIN);
    this.#compareAll();
  }

  #unsubscribe(names: readonly string[]): void {
    for (const name of names) {
      if (name === WILDCARD) {
        this.#wildcard = false;
        this.#forgetUncovered();
      } else if (this.#names.delete(name) && !this.#wildcard) {
        this.#forget(name);
      } else if (this.#wildcard) {
        // The wildcard may still cover it, and the client cannot know: tell it.
        this.#answer(name);
      }
    }
  }

  #answer(name: string): void {
    if (this.#held.has(name)) this.#held.set(name, TO_BE_SENT_AGAIN);
    this.#compare(name);
    if (this.#changed.has(name)) return;
    this.#missing.add(name);
    checkNameCount(this.#missing.size, this.typeUrl, this.#limits);
  }

  #forgetUncovered(): void {
    const known = [this.#held.keys(), this.#changed, this.#missing, this.#rejectedNames];
    for (const names of known)
      for (const name of [...names]) if (!this.#covers(name)) this.#forget(name);
  }

  #forget(name: string): void {
    // What is under way may arrive after the client has asked for it again, and then has to be known.
    if (this.#inFlight?.names.has(name) !== true) this.#held.delete(name);
    this.#changed.delete(name);
    this.#missing.delete(name);
    this.#forgiveRejected([name]);
  }

  #forgiveRejected(names: Iterable<string>): void {
    if (this.#rejection === undefined) return;
    for (const name of names) this.#rejection.names.delete(name);
    if (this.#rejection.names.size === 0) this.#rejection = undefined;
  }

  #collect(): { readonly resources: ResourceMessage[]; readonly removed: string[] } {
    const resources: ResourceMessage[] = [];
    const removed: string[] = [];
    let bytes = 0;
    for (const name of this.#missing) {
      if (removed.length >= this.#limits.maxResponseNames) break;
      removed.push(name);
      this.#missing.delete(name);
    }
    for (const name of this.#changed) {
      if (resources.length + removed.length >= this.#limits.maxResponseNames) break;
      const resource = this.#view.get(this.typeUrl, name);
      if (resource === undefined) {
        removed.push(name);
        this.#held.delete(name);
      } else {
        bytes += resource.bytes;
        if (resources.length > 0 && bytes > this.#limits.maxResponseBytes) break;
        resources.push(resource.message);
        this.#held.set(name, resource.message.version);
      }
      this.#changed.delete(name);
    }
    return { resources, removed };
  }
}
