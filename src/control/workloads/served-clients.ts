import type { Clock } from '../../lib/clock.ts';

/** A program behind an agent that does not hold what the agent holds, as that agent says. */
export interface LaggingClient {
  readonly name: string;
  /** The end of a sentence that begins with the name. */
  readonly lacks: string;
  /** Since when it is said to lag, by the clock here. */
  readonly sinceMs: number;
}

/**
 * What agents report of the programs that they serve, each by its link: what was reported on a
 * connection is forgotten with it.
 */
export class ServedClients {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #byLink = new WeakMap<object, readonly LaggingClient[]>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Replaces what was reported on that link before; who lags still, lags since then. */
  report(
    link: object,
    lagging: readonly { readonly name: string; readonly lacks: string }[],
  ): void {
    const since = new Map(this.of(link).map(({ name, sinceMs }) => [name, sinceMs]));
    const nowMs = this.#clock.now();
    this.#byLink.set(
      link,
      lagging.map(({ name, lacks }) => ({ name, lacks, sinceMs: since.get(name) ?? nowMs })),
    );
  }

  of(link: object | undefined): readonly LaggingClient[] {
    return (link === undefined ? undefined : this.#byLink.get(link)) ?? [];
  }
}
