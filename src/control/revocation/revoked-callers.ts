/** What was revoked at once. */
interface Revoked {
  readonly serials: readonly string[];
  /** Set when everything that this identity has was revoked. */
  readonly identity: string | undefined;
}

interface Caller {
  readonly id: string;
  readonly serials: readonly string[];
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
   * Watches over one call. Its signal aborts when one of the caller's certificates, its issuer's
   * included, or its identity is revoked;
   * `done` must be called when the call has ended.
   */
  begin(id: string, ...serials: readonly string[]): { readonly signal: AbortSignal; done(): void } {
    const caller: Caller = { id, serials, ended: new AbortController() };
    this.#open.add(caller);
    return { signal: caller.ended.signal, done: () => void this.#open.delete(caller) };
  }

  revoked({ serials, identity }: Revoked): void {
    const gone = new Set(serials);
    for (const { id, serials: shown, ended } of this.#open) {
      if (id === identity || shown.some((serial) => gone.has(serial))) ended.abort();
    }
  }
}
