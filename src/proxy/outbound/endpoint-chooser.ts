import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { OutlierSettings } from '../../policy/upstream/outlier-settings.ts';
import type { Endpoint } from '../../policy/upstream/resolve-upstream.ts';
import type { ProxyLimits } from '../limits.ts';
import { endpointKey } from './endpoint-key.ts';
import { WeightedEndpoints } from './weighted-endpoints.ts';

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

/** Who of a list may be chosen, found out once for as long as that is so. */
interface Ready {
  readonly among: WeightedEndpoints;
  /** Which change of the table was the last before. */
  readonly change: number;
  readonly untilMs: number;
}

/** Istio's ceiling on how long an endpoint is left out, unless its first time is longer already. */
const LONGEST_EJECTION_MS = 300_000;
const MAX_TURNS = 1_000;

/**
 * Chooses endpoints, by default by the fewer open connections of two random ones, and lets an address
 * rest after it could not be dialled. Rows exist only for addresses in use or at rest. Who of a list may be
 * chosen is found out anew only when that may have changed, so that a choice costs no look at every endpoint.
 */
export class EndpointChooser {
  readonly #options: EndpointChooserOptions;
  readonly #health = new Map<string, Health>();
  readonly #turns = new Map<string, number>();
  /** By the list that was given: the same one comes again with every connection to a service. */
  readonly #ready = new WeakMap<readonly Endpoint[], Ready>();
  #failures = 0;
  /** Grows with each change of a row by which an endpoint may be chosen or not. */
  #changes = 0;

  constructor(options: EndpointChooserOptions) {
    this.#options = options;
  }

  /**
   * One of `endpoints` that does not rest, or undefined; the list itself must never be changed. One that failed
   * before is left to whoever dials it already, as long as there are others. Where all rest, one that failed only
   * once so far is as good: what a single reset says of an endpoint is no reason to refuse everybody.
   */
  choose(endpoints: readonly Endpoint[], balancing?: Balancing): Endpoint | undefined {
    const { random = Math.random } = this.#options;
    const ready = this.#readyOf(endpoints);
    switch (balancing?.method ?? 'LEAST_REQUEST') {
      case 'RANDOM':
        return ready.pick(random);
      case 'ROUND_ROBIN':
        return ready.all[this.#turn(balancing?.service ?? '') % Math.max(1, ready.all.length)];
      case 'LEAST_REQUEST': {
        const first = ready.pick(random);
        const second = ready.pick(random);
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
    this.#changed(health);
    return () => {
      health.dials -= 1;
      this.#changed(health);
      this.#forgetIdle(key, health);
    };
  }

  /** The endpoint answered, whatever it answered. */
  reached(endpoint: Endpoint): void {
    const key = endpointKey(endpoint);
    const health = this.#health.get(key);
    if (health === undefined) return;
    this.#changed(health);
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
    this.#changes += 1;
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

  #readyOf(endpoints: readonly Endpoint[]): WeightedEndpoints {
    const nowMs = this.#options.clock.elapsedMs();
    const known = this.#ready.get(endpoints);
    if (known?.change === this.#changes && nowMs < known.untilMs) return known.among;
    const ready = { ...this.#findReady(endpoints, nowMs), change: this.#changes };
    this.#ready.set(endpoints, ready);
    return ready.among;
  }

  #findReady(endpoints: readonly Endpoint[], nowMs: number): Omit<Ready, 'change'> {
    const rows = new Map<Endpoint, Health>();
    for (const endpoint of endpoints) {
      const health = this.#health.get(endpointKey(endpoint));
      if (health !== undefined && hasFailed(health)) rows.set(endpoint, health);
    }
    const those = (may: (health: Health) => boolean) => () =>
      endpoints.filter((endpoint) => {
        const health = rows.get(endpoint);
        return health === undefined || may(health);
      });
    const chosen = firstNotEmpty(
      those((health) => !isResting(health, nowMs) && !isOnTrial(health)),
      those((health) => !isResting(health, nowMs)),
      those((health) => hasFailedOnce(health, nowMs)),
    );
    const ends = [...rows.values()].flatMap(({ restUntilMs, ejectedUntilMs }) =>
      [restUntilMs, ejectedUntilMs].filter((atMs) => atMs > nowMs),
    );
    const untilMs = ends.reduce((first, atMs) => Math.min(first, atMs), Number.POSITIVE_INFINITY);
    return { among: new WeightedEndpoints(chosen), untilMs };
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

  /** A row was changed, or is to be; one of an endpoint that never failed bears on nobody's choice. */
  #changed(health: Health): void {
    if (hasFailed(health)) this.#changes += 1;
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
    if (!isUnused(health) || !isNew) return;
    this.#changed(health);
    this.#health.delete(key);
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

function hasFailed({ failures, restUntilMs, ejectedUntilMs }: Health): boolean {
  return failures > 0 || restUntilMs > 0 || ejectedUntilMs > 0;
}

/** Whether somebody is just finding out if it is there again. */
function isOnTrial({ failures, dials }: Health): boolean {
  return failures > 0 && dials > 0;
}

function hasFailedOnce({ failures, ejectedUntilMs }: Health, nowMs: number): boolean {
  return failures === 1 && ejectedUntilMs <= nowMs;
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
