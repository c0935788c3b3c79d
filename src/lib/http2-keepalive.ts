import type { Http2Session } from 'node:http2';
import { MeshError } from './errors.ts';

export interface KeepAliveOptions {
  /** Time between two PING frames, in milliseconds. */
  readonly intervalMs: number;
  /** How long the answer to one may take, of the time in which this thread is free to read it. */
  readonly timeoutMs: number;
}

const PARTS = 5;

/**
 * Asks the other side of an HTTP/2 session regularly whether it is still there (RFC 9113, 6.7), and
 * destroys the session when no answer comes: a peer that vanished without a word is noticed after at
 * most the sum of both times. Ends with the session.
 */
export function keepAlive(session: Http2Session, options: KeepAliveOptions): void {
  const { intervalMs, timeoutMs } = options;
  const timer = setInterval(() => {
    if (session.destroyed) return;
    let listened = 0;
    // In parts: after this thread was busy for long, timers fire before the answer that lies in the
    // socket is read, and the peer would be blamed for our own silence.
    const silent = setInterval(() => {
      listened += 1;
      if (listened < PARTS) return;
      clearInterval(silent);
      session.destroy(
        new MeshError('ERR_UNREACHABLE', `the peer did not answer a PING within ${timeoutMs} ms`),
      );
    }, timeoutMs / PARTS);
    silent.unref();
    session.ping(() => clearInterval(silent));
  }, intervalMs);
  timer.unref();
  session.once('close', () => clearInterval(timer));
}
