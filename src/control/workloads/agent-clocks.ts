import type { Clock } from '../../lib/clock.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';

/** What one agent found when it compared clocks. */
export interface AgentClock {
  readonly id: string;
  readonly node: string;
  /** The agent's clock minus the control plane's, in milliseconds. */
  readonly skewMs: number;
  readonly reportedAtMs: number;
}

const MOST_AGENTS = 20_000;
const LONGEST_NODE = 512;
const KEPT_MS = 300_000;
const WHOLE = /^-?\d{1,15}$/;

/** The clocks of the agents that were heard of in the last five minutes. */
export class AgentClocks {
  readonly #clock: Clock;
  readonly #byAgent = new Map<string, AgentClock>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes what an agent of that identity says; what makes no sense is passed over. */
  report(id: SpiffeId, node: string, skew: string): void {
    if (!WHOLE.test(skew) || node.length > LONGEST_NODE) return;
    const text = id.toString();
    const key = `${text} ${node}`;
    if (!this.#byAgent.has(key) && this.#byAgent.size >= MOST_AGENTS) this.#forget();
    if (this.#byAgent.size >= MOST_AGENTS) return;
    const reportedAtMs = this.#clock.now();
    this.#byAgent.set(key, { id: text, node, skewMs: Number(skew), reportedAtMs });
  }

  /** Of one agent, if it was heard of. */
  of(id: string, node: string): AgentClock | undefined {
    const found = this.#byAgent.get(`${id} ${node}`);
    return found !== undefined && this.#isFresh(found) ? found : undefined;
  }

  /** Largest distance first. */
  list(): readonly AgentClock[] {
    this.#forget();
    return [...this.#byAgent.values()].sort((a, b) => Math.abs(b.skewMs) - Math.abs(a.skewMs));
  }

  #forget(): void {
    for (const [key, each] of this.#byAgent) if (!this.#isFresh(each)) this.#byAgent.delete(key);
  }

  #isFresh({ reportedAtMs }: AgentClock): boolean {
    return Math.abs(this.#clock.now() - reportedAtMs) <= KEPT_MS;
  }
}
