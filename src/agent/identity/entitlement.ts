import { type ContextKey, createContextKey } from '@connectrpc/connect';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { Crl } from '../../x509/crl.ts';

/** An identity that a caller is given. */
export interface GivenIdentity {
  readonly identity: Identity;
  /** Tells the caller's identities apart; empty where nobody gave one. */
  readonly hint: string;
}

/** What one caller of the agent's socket may have now. */
export interface Entitlement {
  /** The first is the default. */
  readonly identities: readonly GivenIdentity[];
  /** Whether there is one that it may have and that the agent has not obtained yet. */
  readonly pending: boolean;
  /** What the mesh's authorities have revoked. */
  readonly crls: readonly Crl[];
  /** Grows with each change. */
  readonly number: number;
}

export const NOTHING: Entitlement = { identities: [], pending: false, crls: [], number: 0 };

/** Whether the caller has a place here at all. */
export function isEntitled({ identities, pending }: Entitlement): boolean {
  return identities.length > 0 || pending;
}

/** Under this key the services find what their caller may have. */
export const entitlementKey: ContextKey<Watchable<Entitlement>> = createContextKey<
  Watchable<Entitlement>
>(new WatchableValue(NOTHING));
