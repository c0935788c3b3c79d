import type { Clock } from '../../lib/clock.ts';
import { Deadlines } from '../deadlines.ts';
import type { ProxyLimits } from '../limits.ts';
import type { LiveSettings } from '../live-settings.ts';
import type { Reporter } from '../reporter.ts';
import { ServerFirstPorts } from './server-first-ports.ts';

export interface FirstBytesWaitOptions {
  readonly clock: Clock;
  readonly limits: Pick<ProxyLimits, 'firstBytesTimeoutMs' | 'learnedFirstBytesTimeoutMs'>;
  /** `protocolDetectionTimeout` of the mesh comes before the proxy's own limit. */
  readonly settings: LiveSettings;
  /** Told of ports that are learned or forgotten. */
  readonly reporter: Pick<Reporter, 'portLearned'>;
}

/** How long the first bytes of a client are waited for, by what is known of the port. */
export class FirstBytesWait {
  readonly #options: FirstBytesWaitOptions;
  readonly #ports = new ServerFirstPorts();
  readonly #learned: Deadlines;
  #unknown: { readonly afterMs: number; readonly deadlines: Deadlines };

  constructor(options: FirstBytesWaitOptions) {
    const { clock, limits } = options;
    this.#options = options;
    this.#learned = new Deadlines(clock, limits.learnedFirstBytesTimeoutMs);
    this.#unknown = this.#deadlinesOf(limits.firstBytesTimeoutMs);
  }

  for(port: number): Deadlines {
    if (this.#ports.has(port)) return this.#learned;
    const { limits, settings } = this.#options;
    const afterMs = settings.current.protocolDetectionTimeoutMs ?? limits.firstBytesTimeoutMs;
    // Those that wait under the old one go on to wait so long.
    if (afterMs !== this.#unknown.afterMs) this.#unknown = this.#deadlinesOf(afterMs);
    return this.#unknown.deadlines;
  }

  /** What came of it. */
  ended(port: number, kind: 'plaintext' | 'silent' | 'tls'): void {
    const before = this.#ports.has(port);
    if (kind === 'silent') this.#ports.wasSilent(port);
    else this.#ports.spokeFirst(port);
    const now = this.#ports.has(port);
    if (now !== before) this.#options.reporter.portLearned(port, now);
  }

  close(): void {
    this.#learned.close();
    this.#unknown.deadlines.close();
  }

  #deadlinesOf(afterMs: number): { readonly afterMs: number; readonly deadlines: Deadlines } {
    return { afterMs, deadlines: new Deadlines(this.#options.clock, afterMs) };
  }
}
