import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { FederatedTrustDomain } from '../../resources/kinds/federated-trust-domain.ts';
import { keyOf, type ResourceKey } from '../../resources/resource.ts';
import { bundleEndpointUrl } from '../../spiffe/bundle-endpoint-url.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { BundleQuestion, EndpointProfile } from './bundle-client.ts';
import { acceptNewer, refreshIntervalMs } from './bundle-refresh.ts';
import type { ForeignBundles } from './foreign-bundles.ts';

/** What became of the attempts to fetch a bundle. Times are in milliseconds since 1970. */
export interface FetchRecord {
  readonly lastAttemptMs: number | undefined;
  /** When the endpoint last answered with a bundle that is good. */
  readonly lastSuccessMs: number | undefined;
  readonly nextAttemptMs: number | undefined;
  /** Attempts in a row that failed. */
  readonly failures: number;
  readonly lastError: string | undefined;
}

export interface FederatedDomainEvents {
  bundleReceived(event: {
    readonly trustDomain: string;
    readonly sequence: number;
    readonly authorities: number;
  }): void;
  taskFailed(event: {
    readonly task: string;
    readonly reason: string;
    readonly about?: ResourceKey;
  }): void;
}

export interface FederatedDomainOptions {
  readonly resource: FederatedTrustDomain;
  readonly stored: ForeignBundles;
  readonly fetch: (question: BundleQuestion) => Promise<TrustBundle>;
  /** The newest bundle of any trust domain that is trusted here, this one included. */
  readonly bundles: (trustDomain: TrustDomain) => TrustBundle | undefined;
  readonly clock: Clock;
  readonly events: FederatedDomainEvents;
  readonly webRoots?: string | undefined;
}

const NEVER: FetchRecord = {
  lastAttemptMs: undefined,
  lastSuccessMs: undefined,
  nextAttemptMs: undefined,
  failures: 0,
  lastError: undefined,
};

/** One other trust domain: the bundle that is held of it, and the task that keeps it fresh. */
export class FederatedDomain {
  readonly resource: FederatedTrustDomain;
  readonly trustDomain: TrustDomain;
  readonly #options: FederatedDomainOptions;
  #bundle: TrustBundle | undefined;
  #record: FetchRecord = NEVER;

  constructor(options: FederatedDomainOptions) {
    this.#options = options;
    this.resource = options.resource;
    this.trustDomain = TrustDomain.parse(options.resource.spec.trustDomain);
  }

  /** What peers of the domain are checked against now; undefined before the first. */
  get bundle(): TrustBundle | undefined {
    return this.#bundle;
  }

  get record(): FetchRecord {
    return this.#record;
  }

  /** How long until the bundle is looked at again, in milliseconds. */
  get intervalMs(): number {
    return refreshIntervalMs(this.#bundle?.refreshHintMs);
  }

  /**
   * Fetches at once and then at each interval, until `signal` aborts. After a failure too the next
   * attempt is an interval later (SPIFFE_Federation 5.2.3); what is held stays. Never throws.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    await this.#begin();
    while (!signal.aborted) {
      await this.#attempt(signal);
      if (signal.aborted) return;
      const waitMs = this.intervalMs;
      this.#record = { ...this.#record, nextAttemptMs: clock.now() + waitMs };
      await clock.sleep(waitMs, signal);
    }
  }

  /** What was fetched for this very declaration in an earlier run, else what it begins with. */
  async #begin(): Promise<void> {
    const { stored, events } = this.#options;
    const { trustDomainBundle } = this.resource.spec;
    try {
      this.#bundle = await stored.load(this.resource);
      if (this.#bundle !== undefined || trustDomainBundle === undefined) return;
      const first = TrustBundle.parseJwks(this.trustDomain, trustDomainBundle);
      await stored.save(this.resource, first);
      this.#bundle = first;
    } catch (error) {
      const task = `begin to trust "${this.trustDomain}"`;
      events.taskFailed({ task, reason: messageOf(error), about: keyOf(this.resource) });
    }
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    const { clock, fetch, stored, events, bundles, webRoots } = this.#options;
    const { spec } = this.resource;
    const nowMs = clock.now();
    try {
      const fetched = await fetch({
        trustDomain: this.trustDomain,
        url: bundleEndpointUrl(spec.bundleEndpointURL),
        profile: profileOf(spec),
        ...{ bundles, nowMs, signal, webRoots },
      });
      const next = acceptNewer(this.#bundle, fetched);
      if (signal.aborted) return;
      if (next !== this.#bundle) {
        await stored.save(this.resource, next);
        this.#bundle = next;
        const authorities = next.x509Authorities.length;
        const { name: trustDomain } = this.trustDomain;
        events.bundleReceived({ trustDomain, sequence: next.sequence, authorities });
      }
      const success = { lastAttemptMs: nowMs, lastSuccessMs: clock.now() };
      this.#record = { ...this.#record, ...success, failures: 0, lastError: undefined };
    } catch (error) {
      if (signal.aborted) return;
      const failures = this.#record.failures + 1;
      const lastError = messageOf(error);
      this.#record = { ...this.#record, lastAttemptMs: nowMs, failures, lastError };
      const task = `fetch the bundle of "${this.trustDomain}"`;
      events.taskFailed({ task, reason: lastError, about: keyOf(this.resource) });
    }
  }
}

function profileOf({
  bundleEndpointProfile: { type, endpointSPIFFEID = '' },
}: FederatedTrustDomain['spec']): EndpointProfile {
  return type === 'https_web' ? { type } : { type, endpointId: SpiffeId.parse(endpointSPIFFEID) };
}
