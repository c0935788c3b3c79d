import type { Watchable } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import { type OutboundScope, outboundScope } from '../../policy/upstream/outbound-scope.ts';
import type { Workload } from '../../policy/workload.ts';
import type { LiveSettings } from '../live-settings.ts';

export interface OutboundViewOptions {
  readonly facts: Watchable<MeshFacts>;
  readonly settings: LiveSettings;
  readonly workload: Watchable<Workload>;
}

/** What counts for the calls of this workload now: facts and settings, as far as its Sidecar lets it see them. */
export class OutboundView {
  readonly #options: OutboundViewOptions;
  #from: readonly unknown[] = [];
  #scope: OutboundScope | undefined;

  constructor(options: OutboundViewOptions) {
    this.#options = options;
  }

  /** The same value for as long as nothing that it is made of has changed. */
  get current(): OutboundScope {
    const { facts, settings, workload } = this.#options;
    const from = [facts.current, workload.current, settings.current];
    if (this.#scope === undefined || from.some((each, at) => each !== this.#from[at])) {
      this.#from = from;
      this.#scope = outboundScope(facts.current, workload.current, settings.current);
    }
    return this.#scope;
  }
}
