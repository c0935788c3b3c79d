import { createSecureContext, type SecureContext } from 'node:tls';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { type TlsContextBounds, type TlsProfile, tlsContextOptions } from './tls-profile.ts';

/** An identity and the TLS state made of it, which belong together. */
export interface IdentityContext {
  readonly identity: Identity;
  readonly secureContext: SecureContext;
}

/** The TLS state of new handshakes: swapped whole with the identity. */
export interface HotSecureContext {
  readonly current: IdentityContext;
  /** Stops following the identity. */
  stop(): void;
}

/**
 * Follows `identity`. Contexts are never changed once made, so a connection keeps what it was made
 * with, and nothing of an old one (tickets, sessions) is known to the new.
 */
export function hotSecureContext(
  identity: Watchable<Identity>,
  profile: TlsProfile,
  bounds?: TlsContextBounds,
): HotSecureContext {
  const contextOf = (next: Identity): IdentityContext => ({
    identity: next,
    secureContext: createSecureContext(tlsContextOptions(next, profile, bounds)),
  });
  let current = contextOf(identity.current);
  const stop = identity.subscribe((next) => {
    current = contextOf(next);
  });
  return {
    get current() {
      return current;
    },
    stop,
  };
}
