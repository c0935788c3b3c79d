import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { type HotSecureContext, hotSecureContext, type IdentityContext } from './secure-context.ts';
import type { TlsContextBounds } from './tls-profile.ts';

const MAX_CONTEXTS = 64;

/** The TLS state of Istio's mutual TLS for each of the bounds that rules ask for, made when needed. */
export class BoundedContexts {
  readonly #identity: Watchable<Identity>;
  readonly #contexts = new Map<string, HotSecureContext>();

  constructor(identity: Watchable<Identity>) {
    this.#identity = identity;
  }

  /** The newest context within `bounds`; without, that of the mesh. */
  for(bounds: TlsContextBounds = {}): IdentityContext {
    const key = JSON.stringify([bounds.minVersion, bounds.maxVersion, bounds.cipherSuites]);
    const known = this.#contexts.get(key);
    if (known !== undefined) return known.current;
    if (this.#contexts.size >= MAX_CONTEXTS) this.stop();
    const context = hotSecureContext(this.#identity, 'istio', bounds);
    this.#contexts.set(key, context);
    return context.current;
  }

  /** Stops following the identity. */
  stop(): void {
    for (const context of this.#contexts.values()) context.stop();
    this.#contexts.clear();
  }
}
