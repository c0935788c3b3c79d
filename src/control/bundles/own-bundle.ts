import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import type { JwtAuthority } from '../../spiffe/jwt-authority.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';

/** The bundle that is published: the authority's certificates with the keys of tokens beside them. */
export function ownBundle(
  certificates: Watchable<TrustBundle>,
  authorities: Watchable<readonly JwtAuthority[]>,
): Watchable<TrustBundle> {
  const joined = (): TrustBundle => certificates.current.withJwtAuthorities(authorities.current);
  const bundle = new WatchableValue(joined());
  certificates.subscribe(() => bundle.set(joined()));
  authorities.subscribe(() => bundle.set(joined()));
  return bundle;
}
