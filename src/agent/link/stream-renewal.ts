import type { Clock } from '../../lib/clock.ts';
import type { Task } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';

export interface StreamRenewalOptions {
  readonly identity: Watchable<Identity>;
  readonly clock: Clock;
  /** Opens the stream to the control plane anew. */
  readonly reconnect: () => void;
}

export interface StreamRenewal {
  /** A stream is being opened with this identity. */
  opened(identity: Identity): void;
  readonly run: Task;
}

/** Share of a certificate's life that is left when a stream that began with it is opened anew. */
const MARGIN = 0.1;
const SHORTEST_NAP_MS = 1_000;
const LONGEST_NAP_MS = 30_000;

/**
 * Keeps the stream to the control plane on a present certificate: opens it anew before the one that
 * it began with expires, and at once when another key signs, which the control plane waits to see.
 */
export function streamRenewal({ identity, clock, reconnect }: StreamRenewalOptions): StreamRenewal {
  let used: Identity | undefined;
  return {
    opened(next) {
      used = next;
    },
    async run(signal) {
      const stop = identity.subscribe((next) => {
        if (used !== undefined && signerOf(next) !== signerOf(used)) reconnect();
      });
      while (!signal.aborted) {
        const restMs = used === undefined ? LONGEST_NAP_MS : endsAtMs(used) - clock.now();
        if (restMs <= 0 && identity.current.svid !== used?.svid) reconnect();
        await clock.sleep(Math.min(Math.max(restMs, SHORTEST_NAP_MS), LONGEST_NAP_MS), signal);
      }
      stop();
    },
  };
}

function signerOf({ svid }: Identity): string | undefined {
  return svid.chain[1]?.serial;
}

function endsAtMs({ svid, issuedAtMs }: Identity): number {
  const notAfterMs = svid.chain[0]?.notAfterMs ?? issuedAtMs;
  return notAfterMs - (notAfterMs - issuedAtMs) * MARGIN;
}
