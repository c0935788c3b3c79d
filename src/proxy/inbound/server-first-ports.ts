/** After so many clients in a row that waited for the server, a port is one where it speaks first. */
const LEARNED_AFTER = 3;

/**
 * Remembers on which ports clients wait for the server to speak first (SMTP, MySQL), so that not each
 * of their connections is held up until that is certain. A client that speaks first, TLS or not, makes
 * a port be forgotten: who is not waited for long enough would be taken for one that speaks plaintext.
 */
export class ServerFirstPorts {
  readonly #silent = new Map<number, number>();

  /** Whether the server speaks first there, as far as is known. */
  has(port: number): boolean {
    return (this.#silent.get(port) ?? 0) >= LEARNED_AFTER;
  }

  /** Nothing came from a client in time. */
  wasSilent(port: number): void {
    this.#silent.set(port, (this.#silent.get(port) ?? 0) + 1);
  }

  /** A client spoke first. */
  spokeFirst(port: number): void {
    this.#silent.delete(port);
  }
}
