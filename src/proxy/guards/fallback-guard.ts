import type { Clock } from '../../lib/clock.ts';
import type { Watchable } from '../../lib/watchable.ts';
import { type EffectiveFallback, effectiveFallback } from '../../policy/effective-fallback.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { Workload } from '../../policy/workload.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { LiveSettings } from '../live-settings.ts';
import type { UsedFallback } from '../proxy-events.ts';
import type { Reporter } from '../reporter.ts';

export interface FallbackGuardOptions {
  readonly facts: Watchable<MeshFacts>;
  readonly workload: Watchable<Workload>;
  readonly identity: Watchable<Identity>;
  readonly settings: LiveSettings;
  readonly clock: Clock;
  readonly reporter: Reporter;
}

/** What of a fallback is being used, and for whom. */
type Use = Pick<UsedFallback, 'direction' | 'whose' | 'id' | 'notAfterMs'>;

/**
 * What this workload does with certificates that have run out, its own and those of others, as its
 * FallbackPolicy says. Each use is reported.
 */
export class FallbackGuard {
  readonly #options: FallbackGuardOptions;
  #from: readonly unknown[] = [];
  #fallback: EffectiveFallback = { mode: 'Deny', by: undefined };

  constructor(options: FallbackGuardOptions) {
    this.#options = options;
  }

  /** What the policies say now. */
  get current(): EffectiveFallback {
    const { facts, workload, settings } = this.#options;
    const from = [facts.current, workload.current, settings.current];
    if (from.some((each, index) => each !== this.#from[index])) {
      this.#from = from;
      this.#fallback = effectiveFallback(
        facts.current.fallbackPolicies,
        workload.current,
        settings.current,
      );
    }
    return this.#fallback;
  }

  /** How long after its end a certificate still counts, in milliseconds. */
  get keepForMs(): number {
    const { current } = this;
    return current.mode === 'KeepLast' ? current.keepForMs : 0;
  }

  /** Whether calls go without TLS where that is taken, since this workload has no valid certificate. */
  get speaksPlaintext(): boolean {
    const { identity, clock } = this.#options;
    if (this.current.mode !== 'Plaintext') return false;
    const [leaf] = identity.current.svid.chain;
    return leaf !== undefined && clock.now() > leaf.notAfterMs;
  }

  /** Reports that a certificate which has run out was used, or that there was none to use. */
  used(use: Use): void {
    const { mode, by } = this.current;
    this.#options.reporter.fallbackUsed({ ...use, mode, policy: by ?? '' });
  }

  /** The same of the own certificate. */
  ownUsed(direction: Use['direction']): void {
    const { svid } = this.#options.identity.current;
    const notAfterMs = svid.chain[0]?.notAfterMs ?? 0;
    this.used({ direction, whose: 'own', id: svid.id.toString(), notAfterMs });
  }
}
