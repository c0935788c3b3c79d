import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import { type TcpProgressOf, tcpProgress } from '../../lib/tcp-progress.ts';

/**
 * From so many on it is no chance. One may stand unanswered for minutes: on a host's own connections the answer to
 * the question for room comes before the kernel has counted it.
 */
const UNANSWERED = 3;
/** Connections that are looked at in one turn of the loop: about a millisecond. */
const AT_ONCE = 500;

/**
 * Cuts TCP connections whose peer has vanished while bytes were on their way to it, which the kernel itself
 * would go on sending for a quarter of an hour. A peer that reads slowly, or not at all for hours, answers
 * the kernel's questions and is left alone; TCP_USER_TIMEOUT would cut that one too.
 */
export class SilentPeers {
  readonly #clock: Pick<Clock, 'elapsedMs'>;
  readonly #patienceMs: number;
  readonly #progress: TcpProgressOf;
  /** Since when nothing is answered, where that is so. */
  readonly #silentSince = new Map<Socket, number | undefined>();

  /**
   * @param patienceMs how long a peer may leave everything unanswered that goes out to it again and again
   * @param progress default: what the kernel knows
   */
  constructor(
    clock: Pick<Clock, 'elapsedMs'>,
    patienceMs: number,
    progress: TcpProgressOf = tcpProgress,
  ) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#progress = progress;
  }

  /** Looks after a connection, whose errors somebody listens to, until it is closed. */
  watch(socket: Socket): void {
    if (socket.destroyed) return;
    this.#silentSince.set(socket, undefined);
    socket.once('close', () => this.#silentSince.delete(socket));
  }

  /** Looks at all of them; to be called several times within the patience. */
  async look(): Promise<void> {
    let looked = 0;
    for (const [socket, sinceMs] of this.#silentSince) {
      this.#lookAt(socket, sinceMs);
      looked += 1;
      if (looked % AT_ONCE === 0) await new Promise(setImmediate);
    }
  }

  #lookAt(socket: Socket, sinceMs: number | undefined): void {
    const nowMs = this.#clock.elapsedMs();
    const { unanswered, heardAgoMs } = this.#progress(socket) ?? { unanswered: 0, heardAgoMs: 0 };
    if (unanswered < UNANSWERED) {
      this.#silentSince.set(socket, undefined);
    } else if (sinceMs === undefined || nowMs - heardAgoMs > sinceMs) {
      this.#silentSince.set(socket, nowMs);
    } else if (nowMs - sinceMs >= this.#patienceMs) {
      const reason = `the peer has acknowledged nothing for ${Math.round(nowMs - sinceMs)} ms`;
      socket.emit('error', new MeshError('ERR_UNREACHABLE', reason));
      // Should it come back, an end would look like one in good order.
      socket.resetAndDestroy();
    }
  }
}
