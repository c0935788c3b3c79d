import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { OutlierSettings } from '../../policy/upstream/outlier-settings.ts';
import type { Endpoint } from '../../policy/upstream/resolve-upstream.ts';
import { formatAddress } from '../address.ts';
import type { ProxyLimits } from '../limits.ts';

interface Health {
  active: number;
  /** Dials under way. */
  dials: number;
  failures: number;
  /** When the first of them was. */
  failingSinceMs: number;
  /** Which of all failures here was its last. */
  failedAt: number;
  /** No dial before. */
  restUntilMs: number;
  lastError: string;
  /** How often it was left out for longer, and until when it is. */
  ejections: number;
  ejectedUntilMs: number;
}

export interface EndpointChooserOptions {
  readonly clock: Clock;
  readonly limits: Pick<ProxyLimits, 'firstDialBackoffMs' | 'maxDialBackoffMs' | 'redialWithinMs'>;
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

/** About a dial that failed. */
export interface FailedDial {
  /** `moment` of the chooser when it began. Default: before the last failure of the endpoint. */
  readonly begunAt?: number;
  /** Whom it may be left out of for longer, by which rule. */
  readonly among?:
    | { readonly outlier: OutlierSettings; readonly all: readonly Endpoint[] }
    | undefined;
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
  #failures = 0;

  constructor(options: EndpointChooserOptions) {
    this.#options = options;
  }

  /**
   * One of `endpoints` that does not rest, or undefined. One that failed before is left to whoever dials it
   * already, as long as there are others. Where all rest, one that failed only once so far is as good: what a
   * single reset says of an endpoint is no reason to refuse everybody.
   */
  choose(endpoints: readonly Endpoint[], balancing?: Balancing): Endpoint | undefined {
    const nowMs = this.#options.clock.elapsedMs();
    const rested = endpoints.filter((endpoint) => !this.#rests(endpoint, nowMs));
    const ready = firstNotEmpty(
      () => rested.filter((endpoint) => !this.#isOnTrial(endpoint)),
      () => rested,
      () => endpoints.filter((endpoint) => this.#failedOnce(endpoint, nowMs)),
    );
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

  /** Tells of a dial; call what is returned when its outcome is known. */
  dialling(endpoint: Endpoint): () => void {
    const key = endpointKey(endpoint);
    const health = this.#row(key);
    health.dials += 1;
    return () => {
      health.dials -= 1;
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

  /** Grows with each failure that counts; for telling a dial that began before one from one that began after it. */
  get moment(): number {
    return this.#failures;
  }

  /**
   * How long the endpoint rests from now on, in milliseconds; undefined when that is nothing to wait for: it is
   * left out for longer, or has been lost for longer than a caller would wait.
   */
  readyInMs(endpoint: Endpoint): number | undefined {
    const health = this.#health.get(endpointKey(endpoint));
    const nowMs = this.#options.clock.elapsedMs();
    if (health === undefined || !isResting(health, nowMs)) return 0;
    if (health.ejectedUntilMs > nowMs) return undefined;
    const lostForMs = health.restUntilMs - health.failingSinceMs;
    return lostForMs > this.#options.limits.redialWithinMs ? undefined : health.restUntilMs - nowMs;
  }

  /**
   * The endpoint could not be dialled. With `among` it is left out for longer once that has happened
   * often enough, unless too many of `all` are.
   */
  failed(endpoint: Endpoint, error: string, { begunAt = -1, among }: FailedDial = {}): void {
    const { clock, limits, random } = this.#options;
    const health = this.#row(endpointKey(endpoint));
    // What began before the failure for which the address rests says nothing new.
    if (isResting(health, clock.elapsedMs()) && begunAt < health.failedAt) return;
    if (health.failures === 0) health.failingSinceMs = clock.elapsedMs();
    this.#failures += 1;
    health.failedAt = this.#failures;
    health.failures += 1;
    health.lastError = error;
    const pause = { firstMs: limits.firstDialBackoffMs, maxMs: limits.maxDialBackoffMs };
    health.restUntilMs =
      clock.elapsedMs() +
      backoffMs(health.failures, random === undefined ? pause : { ...pause, random });
    if (among !== undefined) this.#eject(health, among);
    this.#forgetRested();
  }

  #eject(health: Health, { outlier, all }: NonNullable<FailedDial['among']>): void {
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

  /** Whether somebody is just finding out if it is there again. */
  #isOnTrial(endpoint: Endpoint): boolean {
    const health = this.#health.get(endpointKey(endpoint));
    return health !== undefined && health.failures > 0 && health.dials > 0;
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
      ...{
        active: 0,
        dials: 0,
        failures: 0,
        failingSinceMs: 0,
        failedAt: 0,
        restUntilMs: 0,
        lastError: '',
      },
      ...{ ejections: 0, ejectedUntilMs: 0 },
    }));
  }

  #forgetIdle(key: string, health: Health): void {
    const isNew = health.failures === 0 && health.ejectedUntilMs <= this.#options.clock.elapsedMs();
    if (isUnused(health) && isNew) this.#health.delete(key);
  }

  /** Addresses that went away keep no row: what has rested long enough starts anew. */
  #forgetRested(): void {
    const longAgoMs = this.#options.clock.elapsedMs() - 10 * this.#options.limits.maxDialBackoffMs;
    for (const [key, health] of this.#health) {
      if (isUnused(health) && !isResting(health, longAgoMs)) this.#health.delete(key);
    }
  }
}

function isResting({ restUntilMs, ejectedUntilMs }: Health, nowMs: number): boolean {
  return Math.max(restUntilMs, ejectedUntilMs) > nowMs;
}

function isUnused({ active, dials }: Health): boolean {
  return active === 0 && dials === 0;
}

function firstNotEmpty<T>(...lists: readonly (() => readonly T[])[]): readonly T[] {
  for (const list of lists) {
    const found = list();
    if (found.length > 0) return found;
  }
  return [];
}
