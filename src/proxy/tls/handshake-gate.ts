import type { Clock } from '../../lib/clock.ts';
import type { ProxyLimits } from '../limits.ts';

export interface HandshakeGateOptions {
  readonly clock: Clock;
  readonly limits: Pick<ProxyLimits, 'maxHandshakes' | 'handshakesPerSecond' | 'handshakeBurst'>;
}

/** Whether a handshake may begin. */
export type GateAnswer =
  /** Call `leave` when it has ended, however it did. */
  | { readonly leave: () => void }
  /** Why not; `isNews` is true once a second and peer, so that a flood does not fill the log. */
  | { readonly refused: string; readonly isNews: boolean };

interface Bucket {
  tokens: number;
  filledAtMs: number;
  toldAtMs: number;
}

const MAX_PEERS = 10_000;
const SECOND_MS = 1_000;

/**
 * Bounds the handshakes that others may make this proxy do: those under way at a time, and for each
 * peer address how many a second, with room for a burst. A handshake costs the server about a
 * millisecond of its thread, and a client nothing that pretends to begin one.
 */
export class HandshakeGate {
  readonly #options: HandshakeGateOptions;
  readonly #buckets = new Map<string, Bucket>();
  #inFlight = 0;

  constructor(options: HandshakeGateOptions) {
    this.#options = options;
  }

  /** Asks for a peer at `host`. */
  enter(host: string): GateAnswer {
    const { maxHandshakes, handshakesPerSecond } = this.#options.limits;
    const bucket = this.#bucketOf(host);
    if (bucket.tokens < 1) {
      const reason = `${host} begins more than ${handshakesPerSecond} handshakes a second, which is the limit of one peer`;
      return this.#refuse(bucket, reason);
    }
    if (this.#inFlight >= maxHandshakes) {
      return this.#refuse(bucket, `${maxHandshakes} handshakes are under way, which is the limit`);
    }
    bucket.tokens -= 1;
    this.#inFlight += 1;
    let isIn = true;
    return {
      leave: () => {
        if (isIn) this.#inFlight -= 1;
        isIn = false;
      },
    };
  }

  #refuse(bucket: Bucket, refused: string): GateAnswer {
    const nowMs = this.#options.clock.elapsedMs();
    const isNews = nowMs - bucket.toldAtMs >= SECOND_MS;
    if (isNews) bucket.toldAtMs = nowMs;
    return { refused, isNews };
  }

  #bucketOf(host: string): Bucket {
    const { clock, limits } = this.#options;
    const nowMs = clock.elapsedMs();
    const known = this.#buckets.get(host);
    if (known === undefined) {
      if (this.#buckets.size >= MAX_PEERS) this.#forgetFull(nowMs);
      const bucket = {
        tokens: limits.handshakeBurst,
        filledAtMs: nowMs,
        toldAtMs: Number.NEGATIVE_INFINITY,
      };
      this.#buckets.set(host, bucket);
      return bucket;
    }
    known.tokens = this.#tokensAt(known, nowMs);
    known.filledAtMs = nowMs;
    return known;
  }

  #tokensAt({ tokens, filledAtMs }: Bucket, nowMs: number): number {
    const { handshakesPerSecond, handshakeBurst } = this.#options.limits;
    const fresh = ((nowMs - filledAtMs) / SECOND_MS) * handshakesPerSecond;
    return Math.min(handshakeBurst, tokens + fresh);
  }

  /** Who has all of its tokens again is as one that never came; else the one that came first goes. */
  #forgetFull(nowMs: number): void {
    for (const [host, bucket] of this.#buckets) {
      if (this.#tokensAt(bucket, nowMs) >= this.#options.limits.handshakeBurst) {
        this.#buckets.delete(host);
      }
    }
    const [first] = this.#buckets.keys();
    if (this.#buckets.size >= MAX_PEERS && first !== undefined) this.#buckets.delete(first);
  }
}
