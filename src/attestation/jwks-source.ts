import type { Clock } from '../lib/clock.ts';
import type { ForeignKey } from './json-web-keys.ts';

export interface JwksSourceOptions {
  readonly fetch: () => Promise<readonly ForeignKey[]>;
  readonly clock: Clock;
}

const FRESH_MS = 10 * 60_000;
/** An issuer that is away for a day or less keeps nobody out. */
const STALE_MS = 24 * 3_600_000;
/** Anybody can make up key IDs, and must not make us ask for each of them. */
const REST_MS = 30_000;

interface Held {
  readonly keys: readonly ForeignKey[];
  readonly fetchedAtMs: number;
}

/**
 * The keys of one issuer: fetched when first needed, again after 10 minutes, and when a key is not
 * among them, but twice in 30 seconds never. While they cannot be fetched, those held count for a day.
 */
export class JwksSource {
  readonly #options: JwksSourceOptions;
  #held: Held | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #problem: unknown;
  #underWay: Promise<void> | undefined;

  constructor(options: JwksSourceOptions) {
    this.#options = options;
  }

  /**
   * The keys with this ID, none when the issuer has none.
   *
   * @throws what `fetch` threw, when there is nothing to decide by.
   */
  async keys(keyId: string): Promise<readonly ForeignKey[]> {
    if (this.#ageMs() >= FRESH_MS || this.#named(keyId).length === 0) await this.#refresh();
    if (this.#ageMs() >= STALE_MS) throw this.#problem;
    return this.#named(keyId);
  }

  #named(keyId: string): readonly ForeignKey[] {
    return this.#held?.keys.filter((key) => key.keyId === keyId) ?? [];
  }

  #ageMs(): number {
    const { clock } = this.#options;
    return clock.elapsedMs() - (this.#held?.fetchedAtMs ?? Number.NEGATIVE_INFINITY);
  }

  async #refresh(): Promise<void> {
    const { clock } = this.#options;
    if (this.#underWay === undefined) {
      if (clock.elapsedMs() - this.#triedAtMs < REST_MS) return;
      this.#triedAtMs = clock.elapsedMs();
      this.#underWay = this.#fetch().finally(() => {
        this.#underWay = undefined;
      });
    }
    await this.#underWay;
  }

  async #fetch(): Promise<void> {
    const { fetch, clock } = this.#options;
    try {
      this.#held = { keys: await fetch(), fetchedAtMs: clock.elapsedMs() };
    } catch (error) {
      this.#problem = error;
    }
  }
}
