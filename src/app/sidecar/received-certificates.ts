import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';

/** Certificates received since the process started, the first included. */
export function countReceived(identity: Watchable<Identity>): () => number {
  let received = 1;
  identity.subscribe((next, previous) => {
    if (next.svid !== previous.svid) received += 1;
  });
  return () => received;
}
