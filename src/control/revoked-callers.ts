/** What was revoked at once. */
interface Revoked {
  readonly serials: readonly string[];
  /** Set when everything that this identity has was revoked. */
  readonly identity: string | undefined;
}

interface Caller {
  readonly id: string;
  readonly serial: string;
  readonly ended: AbortController;
}

/**
 * Calls that are going on while something is revoked: open streams are ended, and a certificate that
 * is being signed for a revoked identity is not handed out.
 */
export class RevokedCallers {
  readonly #open = new Set<Caller>();

  /** How many calls are watched over. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Watches over one call. Its signal aborts when the caller's certificate or identity is revoked;
   * `done` must be called when the call has ended.
   */
  begin(id: string, serial: string): { readonly signal: AbortSignal; done(): void } {
    const caller: Caller = { id, serial, ended: new AbortController() };
    this.#open.add(caller);
    return { signal: caller.ended.signal, done: () => void this.#open.delete(caller) };
  }

  revoked({ serials, identity }: Revoked): void {
    const gone = new Set(serials);
    for (const { id, serial, ended } of this.#open) {
      if (id === identity || gone.has(serial)) ended.abort();
    }
  }
}
