import type { Clock } from './clock.ts';
import { collectGarbage } from './collect-garbage.ts';
import type { Watchable } from './watchable.ts';

export interface CollectAfterChangesOptions {
  readonly clock: Clock;
  /** How long after a change, and so how often at most, in milliseconds. Default 10 minutes. */
  readonly afterMs?: number;
  /** Default `collectGarbage`. */
  readonly collect?: () => void;
}

const AFTER_MS = 600_000;

/**
 * Collects garbage some time after `watched` has changed, however often it does, until the returned function is
 * called. For values with much memory that V8 does not see the size of, such as what OpenSSL holds for a
 * certificate: V8 itself would look for them after hundreds of changes.
 */
export function collectAfterChanges(
  watched: Watchable<unknown>,
  options: CollectAfterChangesOptions,
): () => void {
  const { clock, afterMs = AFTER_MS, collect = collectGarbage } = options;
  const stopping = new AbortController();
  let isDue = false;
  const later = async (): Promise<void> => {
    await clock.sleep(afterMs, stopping.signal);
    isDue = false;
    if (!stopping.signal.aborted) collect();
  };
  const unfollow = watched.subscribe(() => {
    if (isDue) return;
    isDue = true;
    void later();
  });
  return () => {
    unfollow();
    stopping.abort();
  };
}
