import { backoffMs } from '../../src/lib/backoff.ts';
import type { Endpoint } from '../../src/policy/upstream/resolve-upstream.ts';
import type {
  Balancing,
  EndpointChooser,
  EndpointChooserOptions,
  FailedDial,
} from '../../src/proxy/outbound/endpoint-chooser.ts';

/** What a chooser is told and asked. */
export type Chooser = Pick<
  EndpointChooser,
  'begin' | 'choose' | 'dialling' | 'failed' | 'moment' | 'reached'
>;

const NEW = {
  active: 0,
  dials: 0,
  failures: 0,
  failedAt: 0,
  restUntil: 0,
  ejections: 0,
  outUntil: 0,
};
type Row = typeof NEW;

/**
 * The rules of EndpointChooser for one service, with a look at every endpoint for each question. A row is
 * never dropped, but as good as new where the chooser forgets it.
 */
export class NaiveChooser implements Chooser {
  readonly #options: EndpointChooserOptions;
  readonly #rows = new Map<Endpoint, Row>();
  #turns = 0;
  moment = 0;

  constructor(options: EndpointChooserOptions) {
    this.#options = options;
  }

  choose(endpoints: readonly Endpoint[], balancing?: Balancing): Endpoint | undefined {
    const nowMs = this.#options.clock.elapsedMs();
    const where = (may: (row: Row) => boolean): readonly Endpoint[] =>
      endpoints.filter((endpoint) => may(this.#row(endpoint)));
    const rested = where((row) => !rests(row, nowMs));
    const quiet = rested.filter((each) => !isOnTrial(this.#row(each)));
    const once = where(({ failures, outUntil }) => failures === 1 && outUntil <= nowMs);
    const ready = [quiet, rested, once].find((each) => each.length > 0) ?? [];
    if (balancing?.method === 'ROUND_ROBIN')
      return ready[this.#turns++ % Math.max(1, ready.length)];
    if (ready.length === 0) return undefined;
    const first = this.#pick(ready);
    if (balancing?.method === 'RANDOM') return first;
    const second = this.#pick(ready);
    return this.#load(second) < this.#load(first) ? second : first;
  }

  begin(endpoint: Endpoint): () => void {
    return this.#count(endpoint, 'active');
  }

  dialling(endpoint: Endpoint): () => void {
    return this.#count(endpoint, 'dials');
  }

  reached(endpoint: Endpoint): void {
    Object.assign(this.#row(endpoint), { failures: 0, restUntil: 0 });
    this.#forgetIdle(endpoint);
  }

  failed(endpoint: Endpoint, _error: string, { begunAt = -1, among }: FailedDial = {}): void {
    const { clock, limits, random = Math.random } = this.#options;
    const nowMs = clock.elapsedMs();
    const row = this.#row(endpoint);
    if (rests(row, nowMs) && begunAt < row.failedAt) return;
    this.moment += 1;
    row.failedAt = this.moment;
    row.failures += 1;
    const pause = { firstMs: limits.firstDialBackoffMs, maxMs: limits.maxDialBackoffMs };
    row.restUntil = nowMs + backoffMs(row.failures, { ...pause, random });
    if (among !== undefined) this.#eject(row, among);
    const longAgoMs = nowMs - 10 * limits.maxDialBackoffMs;
    for (const each of this.#rows.values()) if (!rests(each, longAgoMs)) renew(each);
  }

  #eject(row: Row, { outlier, all }: NonNullable<FailedDial['among']>): void {
    const nowMs = this.#options.clock.elapsedMs();
    const out = all.filter((each) => this.#row(each).outUntil > nowMs).length;
    const isTooMany = out > 0 && (100 * (out + 1)) / all.length > outlier.maxEjectionPercent;
    if (row.failures < outlier.consecutiveFailures || isTooMany) return;
    row.ejections += 1;
    row.failures = 0;
    row.outUntil = nowMs + outlier.baseEjectionMs * row.ejections;
  }

  #count(endpoint: Endpoint, what: 'active' | 'dials'): () => void {
    this.#row(endpoint)[what] += 1;
    return () => {
      this.#row(endpoint)[what] -= 1;
      this.#forgetIdle(endpoint);
    };
  }

  #forgetIdle(endpoint: Endpoint): void {
    const row = this.#row(endpoint);
    if (row.failures === 0 && row.outUntil <= this.#options.clock.elapsedMs()) renew(row);
  }

  #row(endpoint: Endpoint): Row {
    return this.#rows.getOrInsertComputed(endpoint, () => ({ ...NEW }));
  }

  #pick(ready: readonly Endpoint[]): Endpoint {
    const { random = Math.random } = this.#options;
    const total = ready.reduce((sum, { weight }) => sum + weight, 0);
    let left = random() * (total === 0 ? ready.length : total);
    for (const endpoint of ready) {
      left -= total === 0 ? 1 : endpoint.weight;
      if (left < 0) return endpoint;
    }
    throw new Error('a random number was not below 1');
  }

  #load(endpoint: Endpoint): number {
    return this.#row(endpoint).active / Math.max(1, endpoint.weight);
  }
}

function rests({ restUntil, outUntil }: Row, nowMs: number): boolean {
  return Math.max(restUntil, outUntil) > nowMs;
}

function isOnTrial({ failures, dials }: Row): boolean {
  return failures > 0 && dials > 0;
}

/** As if its endpoint had never been heard of, unless somebody uses it. */
function renew(row: Row): void {
  if (row.active === 0 && row.dials === 0) Object.assign(row, NEW);
}
