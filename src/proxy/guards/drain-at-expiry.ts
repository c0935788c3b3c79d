import type { Clock } from '../../lib/clock.ts';
import { sleepUntil } from '../../lib/sleep-until.ts';

/** The part of a session that can be drained. */
export interface DrainableSession {
  /** No new streams; closes when the open ones have ended. */
  drain(): void;
  readonly closed: Promise<unknown>;
}

/**
 * Drains the session once a certificate that it was made with has run out at `atMs`: what is open
 * may end, but the next stream needs a handshake, which fails if there is no newer certificate.
 */
export function drainAtExpiry(session: DrainableSession, atMs: number, clock: Clock): void {
  const gone = new AbortController();
  void session.closed.then(() => gone.abort());
  const wait = async (): Promise<void> => {
    await sleepUntil(atMs + 1, clock, gone.signal);
    if (!gone.signal.aborted) session.drain();
  };
  void wait();
}
