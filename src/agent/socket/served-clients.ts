import { existsSync } from 'node:fs';
import type { Clock } from '../../lib/clock.ts';
import { WatchableValue } from '../../lib/watchable.ts';

/** A program that lives by this agent's sockets and does not hold what the agent holds. */
export interface LaggingClient {
  readonly name: string;
  /** The end of a sentence that begins with the name. */
  readonly lacks: string;
}

/** One stream's part of the books. */
export interface ServedClient {
  /** Since now it is owed something, or has refused it. */
  lags(client: LaggingClient): void;
  /** It holds the newest. */
  holds(): void;
  left(): void;
}

export interface ServedClientsOptions {
  readonly clock: Pick<Clock, 'elapsedMs'>;
  /** Whether that process still runs. Default: asks /proc. */
  readonly isRunning?: (pid: number) => boolean;
}

interface Remembered extends LaggingClient {
  readonly pid: number;
  readonly untilMs: number;
}

/** A client that left while it was behind comes back within so long, or is gone. */
const RETURNS_WITHIN_MS = 30_000;
const MOST_REMEMBERED = 256;

/**
 * Knows which of the programs on the agent's sockets are behind the agent: Envoys by what they have not
 * acknowledged, Workload API clients, who have no way to acknowledge, by what could not be written to them.
 */
export class ServedClients {
  readonly #options: ServedClientsOptions;
  readonly #lagging = new Map<object, LaggingClient & { readonly pid: number }>();
  readonly #gone = new Map<string, Remembered>();
  /** Set with each change of who lags. */
  readonly changes: WatchableValue<number> = new WatchableValue(0);

  constructor(options: ServedClientsOptions) {
    this.#options = options;
  }

  /** @param key names the stream, so that the same one is known when its process opens it again */
  join(pid: number, key: string): ServedClient {
    const stream = {};
    const place = `${pid} ${key}`;
    if (this.#gone.delete(place)) this.#changed();
    return {
      lags: (client) => {
        const before = this.#lagging.get(stream);
        if (before?.name === client.name && before.lacks === client.lacks) return;
        this.#lagging.set(stream, { ...client, pid });
        this.#changed();
      },
      holds: () => {
        if (this.#lagging.delete(stream)) this.#changed();
      },
      left: () => {
        const last = this.#lagging.get(stream);
        if (last === undefined) return;
        this.#lagging.delete(stream);
        this.#remember(place, last);
        this.#changed();
      },
    };
  }

  /** Who is behind now, each once. */
  lagging(): readonly LaggingClient[] {
    this.#forget();
    const all = [...this.#lagging.values(), ...this.#gone.values()];
    const unique = new Map(all.map(({ name, lacks }) => [`${name} ${lacks}`, { name, lacks }]));
    return [...unique.values()];
  }

  #remember(place: string, { name, lacks, pid }: LaggingClient & { readonly pid: number }): void {
    if (this.#gone.size >= MOST_REMEMBERED) return;
    const untilMs = this.#options.clock.elapsedMs() + RETURNS_WITHIN_MS;
    this.#gone.set(place, { name, lacks: `${lacks}, and has hung up`, pid, untilMs });
  }

  #forget(): void {
    const { clock, isRunning = runs } = this.#options;
    for (const [place, { pid, untilMs }] of this.#gone) {
      if (clock.elapsedMs() >= untilMs || !isRunning(pid)) this.#gone.delete(place);
    }
  }

  #changed(): void {
    this.changes.set(this.changes.current + 1);
  }
}

/** A process of another PID namespace has the number 0 here and cannot be looked for. */
function runs(pid: number): boolean {
  return pid === 0 || existsSync(`/proc/${pid}`);
}
