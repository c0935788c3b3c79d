import { createServer, type Server, type Socket } from 'node:net';
import { admission } from './admission.ts';

export interface PacedListenerOptions {
  /** Is given each connection, not read from yet (paused), some turns after it was accepted. */
  readonly admit: (socket: Socket) => void;
  /** Monotonic, in milliseconds. Default `performance.now`. */
  readonly nowMs?: () => number;
  /** About what one admission costs this thread, in milliseconds. Default 4, a TLS handshake. */
  readonly costMs?: number;
  /** Connections that wait; a further one is closed. Default 20,000. */
  readonly maxWaiting?: number;
  /** Closed when it has waited so long: its client has given up by then. Default 25,000. */
  readonly maxWaitMs?: number;
}

/**
 * A TCP server that lets connections in a few at a time. A TLS handshake takes milliseconds of this
 * thread: a thousand at once would keep it from answering anybody else for seconds, and those whose
 * connection is up would take the silence for an outage and come again. No connection waits for
 * another one's bytes, so a peer that says nothing holds nobody up.
 */
export function pacedListener(options: PacedListenerOptions): Server {
  const { nowMs = () => performance.now(), costMs = 4 } = options;
  const { maxWaiting = 20_000, maxWaitMs = 25_000 } = options;
  const waiting = new Map<Socket, number>();
  let scheduled = false;
  let turnBeganMs = nowMs();

  function admitSome(): void {
    scheduled = false;
    const now = nowMs();
    const turn = { nowMs: now, lastedMs: now - turnBeganMs };
    const { admit, close } = admission(waiting, turn, { costMs, maxWaitMs });
    for (const socket of close) socket.destroy();
    for (const socket of admit) {
      waiting.delete(socket);
      socket.removeAllListeners();
      options.admit(socket);
    }
    schedule();
  }

  function schedule(): void {
    if (scheduled || waiting.size === 0) return;
    scheduled = true;
    turnBeganMs = nowMs();
    setImmediate(admitSome);
  }

  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    if (waiting.size >= maxWaiting) {
      socket.destroy();
      return;
    }
    waiting.set(socket, nowMs());
    socket.once('error', () => socket.destroy());
    socket.once('close', () => waiting.delete(socket));
    schedule();
  });
  server.once('close', () => {
    for (const socket of waiting.keys()) socket.destroy();
  });
  return server;
}
