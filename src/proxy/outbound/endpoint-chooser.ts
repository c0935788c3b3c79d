import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { OutlierSettings } from '../../policy/upstream/outlier-settings.ts';
import type { Endpoint } from '../../policy/upstream/resolve-upstream.ts';
import { formatAddress } from '../address.ts';
import type { ProxyLimits } from '../limits.ts';

interface Health {
  active: number;
  failures: number;
  /** No dial before. */
  restUntilMs: number;
  lastError: string;
  /** How often it was left out for longer, and until when it is. */
  ejections: number;
  ejectedUntilMs: number;
}

export interface EndpointChooserOptions {
  readonly clock: Clock;
  readonly limits: Pick<ProxyLimits, 'firstDialBackoffMs' | 'maxDialBackoffMs'>;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
}

/** How one of several endpoints is chosen. */
export interface Balancing {
  /** `LEAST_REQUEST` and what Istio takes for it, `RANDOM`, or `ROUND_ROBIN`. */
  readonly method: 'LEAST_REQUEST' | 'RANDOM' | 'ROUND_ROBIN';
  /** Whose turn it is, is remembered under this name. */
  readonly service: string;
}

/** Name of an endpoint in tables: the address and port that are dialled. */
export function endpointKey({ address, port, transport }: Endpoint): string {
  return formatAddress({ host: address, port: transport.kind === 'hbone' ? transport.port : port });
}

/** Istio's ceiling on how long an endpoint is left out, unless its first time is longer already. */
const LONGEST_EJECTION_MS = 300_000;
const MAX_TURNS = 1_000;

/**
 * Chooses endpoints, by default by the fewer open connections of two random ones, and lets an address
 * rest after it could not be dialled. Rows exist only for addresses in use or at rest.
 */
export class EndpointChooser {
  readonly #options: EndpointChooserOptions;
  readonly #health = new Map<string, Health>();
  readonly #turns = new Map<string, number>();

  constructor(options: EndpointChooserOptions) {
    this.#options = options;
  }

  /**
   * One of `endpoints` that does not rest, or undefined. Where all do, one that failed only once so far is
   * as good: what a single reset says of an endpoint is no reason to refuse everybody.
   */
  choose(endpoints: readonly Endpoint[], balancing?: Balancing): Endpoint | undefined {
    const nowMs = this.#options.clock.elapsedMs();
    const rested = endpoints.filter((endpoint) => !this.#rests(endpoint, nowMs));
    const ready =
      rested.length > 0
        ? rested
        : endpoints.filter((endpoint) => this.#failedOnce(endpoint, nowMs));
    switch (balancing?.method ?? 'LEAST_REQUEST') {
      case 'RANDOM':
        return this.#pick(ready);
      case 'ROUND_ROBIN':
        return ready[this.#turn(balancing?.service ?? '') % Math.max(1, ready.length)];
      case 'LEAST_REQUEST': {
        const first = this.#pick(ready);
        const second = this.#pick(ready);
        if (first === undefined || second === undefined) return undefined;
        return this.#load(second) < this.#load(first) ? second : first;
      }
    }
  }

  /** Why an endpoint rests, for messages. */
  restReason(endpoint: Endpoint): string | undefined {
    const health = this.#health.get(endpointKey(endpoint));
    const nowMs = this.#options.clock.elapsedMs();
    if (health === undefined || !isResting(health, nowMs)) return undefined;
    const againMs = Math.ceil(Math.max(health.restUntilMs, health.ejectedUntilMs) - nowMs);
    const ejected = health.ejectedUntilMs > nowMs ? 'it is left out by outlierDetection and ' : '';
    return `${health.lastError}; ${ejected || 'it is '}tried again in ${againMs} ms`;
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

  /**
   * The endpoint could not be dialled. With `outlier` it is left out for longer once that has happened
   * often enough, unless too many of `all` are.
   */
  failed(
    endpoint: Endpoint,
    error: string,
    among?: { readonly outlier: OutlierSettings; readonly all: readonly Endpoint[] },
  ): void {
    const { clock, limits, random } = this.#options;
    const health = this.#row(endpointKey(endpoint));
    // What failed while the address already rested says nothing new.
    if (isResting(health, clock.elapsedMs())) return;
    health.failures += 1;
    health.lastError = error;
    const pause = { firstMs: limits.firstDialBackoffMs, maxMs: limits.maxDialBackoffMs };
    health.restUntilMs =
      clock.elapsedMs() +
      backoffMs(health.failures, random === undefined ? pause : { ...pause, random });
    if (among !== undefined) this.#eject(health, among);
    this.#forgetRested();
  }

  #eject(
    health: Health,
    { outlier, all }: { readonly outlier: OutlierSettings; readonly all: readonly Endpoint[] },
  ): void {
    if (health.failures < outlier.consecutiveFailures) return;
    const nowMs = this.#options.clock.elapsedMs();
    const out = all.filter(
      (each) => (this.#health.get(endpointKey(each))?.ejectedUntilMs ?? 0) > nowMs,
    ).length;
    const share = (count: number): number => (100 * count) / Math.max(1, all.length);
    if (100 - share(out) < outlier.minHealthPercent) return;
    if (out > 0 && share(out + 1) > outlier.maxEjectionPercent) return;
    health.ejections += 1;
    health.failures = 0;
    const longestMs = Math.max(LONGEST_EJECTION_MS, outlier.baseEjectionMs);
    health.ejectedUntilMs = nowMs + Math.min(longestMs, outlier.baseEjectionMs * health.ejections);
  }

  #rests(endpoint: Endpoint, nowMs: number): boolean {
    const health = this.#health.get(endpointKey(endpoint));
    return health !== undefined && isResting(health, nowMs);
  }

  #failedOnce(endpoint: Endpoint, nowMs: number): boolean {
    const health = this.#health.get(endpointKey(endpoint));
    return health?.failures === 1 && health.ejectedUntilMs <= nowMs;
  }

  /** A random one, by weight. */
  #pick(endpoints: readonly Endpoint[]): Endpoint | undefined {
    const { random = Math.random } = this.#options;
    const total = endpoints.reduce((sum, { weight }) => sum + weight, 0);
    let left = random() * total;
    for (const endpoint of endpoints) {
      left -= endpoint.weight;
      if (left < 0) return endpoint;
    }
    // all weights are 0
    return endpoints[Math.floor(random() * endpoints.length)];
  }

  #turn(service: string): number {
    const turn = this.#turns.get(service) ?? 0;
    // Bounded: who is forgotten begins anew.
    if (this.#turns.size >= MAX_TURNS && !this.#turns.has(service)) this.#turns.clear();
    this.#turns.set(service, turn + 1);
    return turn;
  }

  #load(endpoint: Endpoint): number {
    const active = this.#health.get(endpointKey(endpoint))?.active ?? 0;
    return active / Math.max(1, endpoint.weight);
  }

  #row(key: string): Health {
    return this.#health.getOrInsertComputed(key, () => ({
      ...{ active: 0, failures: 0, restUntilMs: 0, lastError: '' },
      ...{ ejections: 0, ejectedUntilMs: 0 },
    }));
  }

  #forgetIdle(key: string, health: Health): void {
    const isNew = health.failures === 0 && health.ejectedUntilMs <= this.#options.clock.elapsedMs();
    if (health.active === 0 && isNew) this.#health.delete(key);
  }

  /** Addresses that went away keep no row: what has rested long enough starts anew. */
  #forgetRested(): void {
    const longAgoMs = this.#options.clock.elapsedMs() - 10 * this.#options.limits.maxDialBackoffMs;
    for (const [key, health] of this.#health) {
      if (health.active === 0 && !isResting(health, longAgoMs)) this.#health.delete(key);
    }
  }
}

function isResting({ restUntilMs, ejectedUntilMs }: Health, nowMs: number): boolean {
  return Math.max(restUntilMs, ejectedUntilMs) > nowMs;
}
