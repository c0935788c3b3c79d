import { randomBytes } from 'node:crypto';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import type { ProxySubjects } from '../proxy-options.ts';

const KEY_BYTES = 48;

/** Keys, and the way to stop following what they depend on. */
export interface TicketKeys {
  readonly keys: Watchable<Uint8Array>;
  stop(): void;
}

/**
 * The keys that the tickets of resumable TLS sessions are sealed with: new ones whenever this workload
 * is another, or others are trusted (its certificate, the roots, federation, revocations, the mesh's
 * trust domains). A ticket so never outlives the trust that it was given in.
 */
export function ticketKeys({
  identity,
  facts,
}: Pick<ProxySubjects, 'identity' | 'facts'>): TicketKeys {
  const keys = new WatchableValue<Uint8Array>(randomBytes(KEY_BYTES));
  const renew = (): void => keys.set(randomBytes(KEY_BYTES));
  const stops = [
    identity.subscribe(renew),
    facts.subscribe((next, previous) => {
      const trusting = ['revocations', 'istioOperators', 'configMaps'] as const;
      if (trusting.some((kind) => next[kind] !== previous[kind])) renew();
    }),
  ];
  return {
    keys,
    stop() {
      for (const stop of stops) stop();
    },
  };
}
