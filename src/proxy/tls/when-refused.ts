import type { TLSSocket } from 'node:tls';
import { messageOf } from '../../lib/errors.ts';

/**
 * Calls `report` when the server breaks off before it has said anything. Under TLS 1.3 a client has finished its
 * handshake before the server has seen its certificate, so this is how it learns that it is refused.
 */
export function whenRefused(socket: TLSSocket, report: (why: string) => void): void {
  let failure: Error | undefined;
  socket.once('error', (error) => {
    failure = error;
  });
  socket.once('close', () => {
    if (failure !== undefined && socket.bytesRead === 0) report(wordsOf(failure));
  });
}

/** What OpenSSL says in its own short words, where it was OpenSSL; else what the error says. */
function wordsOf(error: Error): string {
  const { reason } = error as { readonly reason?: unknown };
  return typeof reason === 'string' ? reason : messageOf(error);
}
