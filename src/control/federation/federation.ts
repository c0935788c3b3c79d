import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import { qualifiedKind } from '../../resources/kind-definition.ts';
import {
  type FederatedTrustDomain,
  federatedTrustDomain,
} from '../../resources/kinds/federated-trust-domain.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Store } from '../../store/store.ts';
import { type BundleQuestion, fetchBundle } from './bundle-client.ts';
import { FederatedDomain, type FederatedDomainEvents } from './federated-domain.ts';
import { ForeignBundles } from './foreign-bundles.ts';

export interface FederationOptions {
  readonly store: Store;
  /** Of this trust domain. */
  readonly own: Watchable<TrustBundle>;
  readonly clock: Clock;
  readonly events: FederatedDomainEvents;
  /** Roots for https_web, PEM. Default: those of the machine. */
  readonly webRoots?: string | undefined;
  /** Default `fetchBundle`. */
  readonly fetch?: (question: BundleQuestion) => Promise<TrustBundle>;
}

interface Running {
  readonly domain: FederatedDomain;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

const FEDERATED_KIND: string = qualifiedKind(federatedTrustDomain);
const RETRY_MS = 1_000;
const MOST_DOMAINS = 256;

/**
 * Keeps the bundles of the trust domains that the operator declared, each by itself: none is ever
 * merged into another. What is declared no more is trusted no more.
 */
export class Federation {
  readonly #options: FederationOptions;
  readonly #stored: ForeignBundles;
  readonly #running = new Map<string, Running>();
  #refused: ReadonlyMap<string, string> = new Map();
  #declared: readonly FederatedTrustDomain[] = [];

  constructor(options: FederationOptions) {
    this.#options = options;
    this.#stored = new ForeignBundles(options.store);
  }

  /** Every domain that is kept, ordered by name. */
  get domains(): readonly FederatedDomain[] {
    return [...this.#running.values()]
      .map(({ domain }) => domain)
      .sort((one, other) => (one.trustDomain.name < other.trustDomain.name ? -1 : 1));
  }

  /** All declarations, ordered by name. */
  get declared(): readonly FederatedTrustDomain[] {
    return this.#declared;
  }

  /** Declarations that are stored and not followed, by name, and why. */
  get refused(): ReadonlyMap<string, string> {
    return this.#refused;
  }

  /** Follows the declarations until `signal` aborts. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, events } = this.#options;
    while (!signal.aborted) {
      try {
        const { version } = store;
        await this.#reconcile(signal);
        const watched = store.watch({ kind: FEDERATED_KIND, fromVersion: version }, signal);
        for await (const _ of watched) await this.#reconcile(signal);
      } catch (error) {
        events.taskFailed({ task: 'follow federated trust domains', reason: messageOf(error) });
        await clock.sleep(RETRY_MS, signal);
      }
    }
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  async #reconcile(signal: AbortSignal): Promise<void> {
    const { store } = this.#options;
    const declared = (await store.list(FEDERATED_KIND)).items as readonly FederatedTrustDomain[];
    const refused = new Map<string, string>();
    const wanted = declared.filter((resource, at) => {
      const problem = this.#problemOf(resource, at);
      if (problem !== undefined) refused.set(resource.metadata.name, problem);
      return problem === undefined;
    });
    this.#declared = declared;
    this.#refused = refused;
    const fresh = new Map(wanted.map((resource) => [idOf(resource), resource]));
    const leaving = [...this.#running].filter(([id]) => !fresh.has(id));
    for (const [, { controller }] of leaving) controller.abort();
    for (const [id, { ended }] of leaving) {
      await ended;
      this.#running.delete(id);
    }
    await this.#stored.keepOnly(wanted);
    for (const [id, resource] of fresh)
      if (!this.#running.has(id)) this.#start(id, resource, signal);
  }

  #problemOf({ spec }: FederatedTrustDomain, at: number): string | undefined {
    const own = this.#options.own.current.trustDomain.name;
    if (spec.trustDomain === own) return `"${own}" is the trust domain of this mesh itself`;
    if (at >= MOST_DOMAINS) return `more than ${MOST_DOMAINS} trust domains are not federated`;
    return undefined;
  }

  #start(id: string, resource: FederatedTrustDomain, signal: AbortSignal): void {
    const { clock, events, webRoots, fetch = fetchBundle } = this.#options;
    const domain = new FederatedDomain({
      ...{ resource, stored: this.#stored, fetch, clock, events, webRoots },
      bundles: (trustDomain) => this.#bundleOf(trustDomain),
    });
    const controller = new AbortController();
    const ended = domain.run(AbortSignal.any([signal, controller.signal]));
    this.#running.set(id, { domain, controller, ended });
  }

  #bundleOf(trustDomain: TrustDomain): TrustBundle | undefined {
    const own = this.#options.own.current;
    if (own.trustDomain.equals(trustDomain)) return own;
    return this.domains.find((each) => each.trustDomain.equals(trustDomain))?.bundle;
  }
}

/** Another declaration once its spec changed. */
function idOf({ metadata }: FederatedTrustDomain): string {
  return `${metadata.uid}/${metadata.generation}`;
}
