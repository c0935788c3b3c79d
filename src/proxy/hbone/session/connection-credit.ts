import { ReceiveWindow } from './receive-window.ts';

/** Bytes of a whole connection that may be on the way. */
export const CONNECTION_WINDOW_BYTES: number = 16 * 1024 * 1024;
/** What may wait here for slow readers, of all streams, before the connection is held back too. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/**
 * What the peer may send on the connection. It is given back as soon as it arrived, so that one slow
 * reader holds up nobody else, unless so much waits for slow readers that memory comes first.
 */
export class ConnectionCredit {
  readonly #window = new ReceiveWindow(CONNECTION_WINDOW_BYTES);
  readonly #open: (increment: number) => void;
  #unread = 0;
  #owed = 0;

  /** @param open tells the peer. */
  constructor(open: (increment: number) => void) {
    this.#open = open;
  }

  /** False: the peer was not allowed to send that much. */
  take(bytes: number): boolean {
    if (!this.#window.take(bytes)) return false;
    this.#owed += bytes;
    this.#pay();
    return true;
  }

  /** So many bytes more, or less, wait for who reads them. */
  unread(change: number): void {
    this.#unread += change;
    if (change < 0) this.#pay();
  }

  #pay(): void {
    if (this.#owed === 0 || this.#unread > MAX_UNREAD_BYTES) return;
    const increment = this.#window.credit(this.#owed);
    this.#owed = 0;
    if (increment > 0) this.#open(increment);
  }
}
