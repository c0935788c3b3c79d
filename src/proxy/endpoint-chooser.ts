import { backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Endpoint } from '../policy/resolve-upstream.ts';
import { formatAddress } from './address.ts';
import type { ProxyLimits } from './limits.ts';

interface Health {
  active: number;
  failures: number;
  /** No dial before. */
  restUntilMs: number;
  lastError: string;
}

export interface EndpointChooserOptions {
  readonly clock: Clock;
  readonly limits: Pick<ProxyLimits, 'firstDialBackoffMs' | 'maxDialBackoffMs'>;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
}

/** Name of an endpoint in tables: the address and port that are dialled. */
export function endpointKey({ address, port, transport }: Endpoint): string {
  return formatAddress({ host: address, port: transport.kind === 'hbone' ? transport.port : port });
}

/**
 * Chooses endpoints by the fewer open connections of two random ones, and lets an address rest
 * after it could not be dialled. Rows exist only for addresses in use or at rest.
 */
export class EndpointChooser {
  readonly #options: EndpointChooserOptions;
  readonly #health = new Map<string, Health>();

  constructor(options: EndpointChooserOptions) {
    this.#options = options;
  }

  /** One of `endpoints` that does not rest, or undefined. */
  choose(endpoints: readonly Endpoint[]): Endpoint | undefined {
    const nowMs = this.#options.clock.now();
    const ready = endpoints.filter(
      (endpoint) => (this.#health.get(endpointKey(endpoint))?.restUntilMs ?? 0) <= nowMs,
    );
    const first = this.#pick(ready);
    const second = this.#pick(ready);
    if (first === undefined || second === undefined) return undefined;
    return this.#active(second) < this.#active(first) ? second : first;
  }

  /** Why an endpoint rests, for messages. */
  restReason(endpoint: Endpoint): string | undefined {
    const health = this.#health.get(endpointKey(endpoint));
    if (health === undefined || health.restUntilMs <= this.#options.clock.now()) return undefined;
    const againMs = Math.ceil(health.restUntilMs - this.#options.clock.now());
    return `${health.lastError}; it is tried again in ${againMs} ms`;
  }

  /** Counts a connection; call what is returned when it is over. */
  begin(endpoint: Endpoint): () => void {
    const key = endpointKey(endpoint);
    const health = this.#row(key);
    health.active += 1;
    return () => {
      health.active -= 1;
      this.#forgetIdle(key, health);
    };
  }

  /** The endpoint answered, whatever it answered. */
  reached(endpoint: Endpoint): void {
    const key = endpointKey(endpoint);
    const health = this.#health.get(key);
    if (health === undefined) return;
    health.failures = 0;
    health.restUntilMs = 0;
    this.#forgetIdle(key, health);
  }

  /** The endpoint could not be dialled. */
  failed(endpoint: Endpoint, error: string): void {
    const { clock, limits, random } = this.#options;
    const health = this.#row(endpointKey(endpoint));
    // What failed while the address already rested says nothing new.
    if (health.restUntilMs > clock.now()) return;
    health.failures += 1;
    health.lastError = error;
    const pause = { firstMs: limits.firstDialBackoffMs, maxMs: limits.maxDialBackoffMs };
    health.restUntilMs =
      clock.now() + backoffMs(health.failures, random === undefined ? pause : { ...pause, random });
    this.#forgetRested();
  }

  #pick(endpoints: readonly Endpoint[]): Endpoint | undefined {
    const { random = Math.random } = this.#options;
    return endpoints[Math.floor(random() * endpoints.length)];
  }

  #active(endpoint: Endpoint): number {
    return this.#health.get(endpointKey(endpoint))?.active ?? 0;
  }

  #row(key: string): Health {
    return this.#health.getOrInsertComputed(key, () => ({
      active: 0,
      failures: 0,
      restUntilMs: 0,
      lastError: '',
    }));
  }

  #forgetIdle(key: string, health: Health): void {
    if (health.active === 0 && health.failures === 0) this.#health.delete(key);
  }

  /** Addresses that went away keep no row: what has rested long enough starts anew. */
  #forgetRested(): void {
    const longAgoMs = this.#options.clock.now() - 10 * this.#options.limits.maxDialBackoffMs;
    for (const [key, health] of this.#health) {
      if (health.active === 0 && health.restUntilMs < longAgoMs) this.#health.delete(key);
    }
  }
}
