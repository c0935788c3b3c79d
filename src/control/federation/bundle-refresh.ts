import { MeshError } from '../../lib/errors.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';

const DEFAULT_INTERVAL_MS = 300_000;
const SHORTEST_INTERVAL_MS = 1_000;
const LONGEST_INTERVAL_MS = 86_400_000;

/** How often to look for a newer bundle: as the publisher says, within a second and a day; else 5 minutes. */
export function refreshIntervalMs(hintMs: number | undefined): number {
  if (hintMs === undefined) return DEFAULT_INTERVAL_MS;
  return Math.min(Math.max(hintMs, SHORTEST_INTERVAL_MS), LONGEST_INTERVAL_MS);
}

/**
 * The bundle to go on with: `held` itself where `fetched` says the same. One with a lower sequence
 * number is older, and would bring back authorities that were withdrawn.
 *
 * @throws {MeshError} ERR_SVID for an older one.
 */
export function acceptNewer(held: TrustBundle | undefined, fetched: TrustBundle): TrustBundle {
  if (held === undefined) return fetched;
  if (fetched.sequence < held.sequence) {
    throw new MeshError(
      'ERR_SVID',
      `the endpoint serves the bundle with sequence ${fetched.sequence}, and ${held.sequence} is held, which is newer; if that trust domain was restored from a backup, remove the federation and add it anew`,
    );
  }
  const same =
    held.sequence === fetched.sequence &&
    held.refreshHintMs === fetched.refreshHintMs &&
    held.hasContentOf(fetched);
  return same ? held : fetched;
}
