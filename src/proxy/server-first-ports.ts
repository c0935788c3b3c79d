/** A port on which the server speaks first, as far as connections to it have shown. */
export interface ServerFirstPort {
  readonly port: number;
  /** When that was learned, in milliseconds since 1970. */
  readonly sinceMs: number;
}

/** After so many clients in a row that waited for the server, a port is one where it speaks first. */
const LEARNED_AFTER = 3;

/**
 * Remembers on which ports clients wait for the server to speak first (SMTP, MySQL), so that not each
 * of their connections is held up until that is certain. A client that speaks plaintext first makes
 * a port be forgotten; one that speaks TLS says nothing about the application behind it.
 */
export class ServerFirstPorts {
  readonly #silent = new Map<number, number>();
  readonly #learned = new Map<number, number>();

  /** Whether the server speaks first there, as far as is known. */
  has(port: number): boolean {
    return this.#learned.has(port);
  }

  /** Nothing came from a client in time. */
  wasSilent(port: number, nowMs: number): void {
    const times = (this.#silent.get(port) ?? 0) + 1;
    this.#silent.set(port, times);
    if (times >= LEARNED_AFTER && !this.#learned.has(port)) this.#learned.set(port, nowMs);
  }

  /** A client spoke first, and not TLS. */
  spokeFirst(port: number): void {
    this.#silent.delete(port);
    this.#learned.delete(port);
  }

  list(): readonly ServerFirstPort[] {
    return [...this.#learned]
      .map(([port, sinceMs]) => ({ port, sinceMs }))
      .sort((a, b) => a.port - b.port);
  }
}
