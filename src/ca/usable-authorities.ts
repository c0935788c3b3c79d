import { MeshError } from '../lib/errors.ts';
import type { Authority } from './authority.ts';
import type { Authorities } from './authority-store.ts';
import type { KeySlots, Rotation } from './rotation.ts';

/** What of the stored authorities can still be used: an expired intermediate is made anew. */
export interface UsableAuthorities {
  readonly root: Authority;
  readonly intermediate: Authority | undefined;
  readonly rotation: Rotation<Authorities>;
}

/**
 * Decides at start what is used of what is stored; undefined where everything is to be made.
 *
 * @throws {MeshError} ERR_ISSUANCE when the root has expired and may not be replaced.
 */
export function usableAuthorities(
  stored: KeySlots<Authorities> | undefined,
  {
    clock,
    replaceExpiredRoot = false,
  }: { readonly clock: { now(): number }; readonly replaceExpiredRoot?: boolean },
): UsableAuthorities | undefined {
  if (stored === undefined) return undefined;
  const nowMs = clock.now();
  const { rotation } = stored;
  const { root, intermediate } = stored.current;
  if (nowMs < root.certificate.notAfterMs) {
    const expired = nowMs >= intermediate.certificate.notAfterMs;
    return { root, intermediate: expired ? undefined : intermediate, rotation };
  }
  if (replaceExpiredRoot) return undefined;
  const [ended, now] = [root.certificate.notAfterMs, nowMs].map((ms) => new Date(ms).toISOString());
  throw new MeshError(
    'ERR_ISSUANCE',
    `the root certificate ${root.certificate.serial} expired at ${ended}, the clock says ${now}; if the clock is wrong, set it; if not, no workload trusts this mesh any more: start once with --replace-expired-root, which keeps all resources, and enrol every workload with a new token`,
  );
}
