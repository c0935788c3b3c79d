import type { Endpoint } from '../../policy/upstream/resolve-upstream.ts';
import { endpointKey } from './endpoint-key.ts';

/** Different endpoints that are tried for one call. */
const MAX_ENDPOINTS_TRIED = 3;
/** Dials for one call, those of an address that is tried again included. */
const MAX_DIALS = 6;

/** What one call has tried so far, and what it may still try. */
export class DialAttempts {
  #untried: readonly Endpoint[];
  readonly #lost = new Set<Endpoint>();
  /** Why each dial failed, and how often for that reason. */
  readonly #problems = new Map<string, number>();
  #endpoints = 0;
  #dials = 0;

  constructor(endpoints: readonly Endpoint[]) {
    this.#untried = endpoints;
  }

  /** Endpoints that may be dialled for the first time. */
  get untried(): readonly Endpoint[] {
    return this.#endpoints < MAX_ENDPOINTS_TRIED && this.#dials < MAX_DIALS ? this.#untried : [];
  }

  /** Endpoints that may be dialled once they have rested, those that were lost included. */
  get worthWaitingFor(): readonly Endpoint[] {
    return this.#dials < MAX_DIALS ? [...this.#lost, ...this.untried] : [];
  }

  /** Endpoints that nobody has dialled for this call. */
  get left(): readonly Endpoint[] {
    return this.#untried;
  }

  /** Why all dials failed, each reason once. */
  get problems(): readonly string[] {
    return [...this.#problems].map(([problem, times]) =>
      times === 1 ? problem : `${problem} (${times} times)`,
    );
  }

  /** `again`: what was lost may come about at the same address in a moment. */
  failed(endpoint: Endpoint, problem: string, again: boolean): void {
    if (this.#untried.includes(endpoint)) this.#endpoints += 1;
    this.#untried = this.#untried.filter((each) => each !== endpoint);
    this.#dials += 1;
    if (again) this.#lost.add(endpoint);
    else this.#lost.delete(endpoint);
    const named = `${endpoint.workload} at ${endpointKey(endpoint)}: ${problem}`;
    this.#problems.set(named, (this.#problems.get(named) ?? 0) + 1);
  }
}
