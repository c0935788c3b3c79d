import type { Http2Session } from 'node:http2';
import { MeshError } from './errors.ts';

export interface KeepAliveOptions {
  /** Time between two PING frames, in milliseconds. */
  readonly intervalMs: number;
  /** How long the answer to one may take. */
  readonly timeoutMs: number;
}

/**
 * Asks the other side of an HTTP/2 session regularly whether it is still there (RFC 9113, 6.7), and
 * destroys the session when no answer comes: a peer that vanished without a word is noticed after at
 * most the sum of both times. Ends with the session.
 */
export function keepAlive(session: Http2Session, options: KeepAliveOptions): void {
  const { intervalMs, timeoutMs } = options;
  const timer = setInterval(() => {
    if (session.destroyed) return;
    const silent = setTimeout(() => {
      session.destroy(
        new MeshError('ERR_UNREACHABLE', `the peer did not answer a PING within ${timeoutMs} ms`),
      );
    }, timeoutMs);
    session.ping(() => clearTimeout(silent));
  }, intervalMs);
  timer.unref();
  session.once('close', () => clearInterval(timer));
}
