import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import { sleepUntil } from '../../lib/sleep-until.ts';
import { type Address, formatAddress } from '../address.ts';
import type { Deadlines } from '../deadlines.ts';
import type { HboneClientSession, OpenOutcome } from '../hbone/hbone-transport.ts';
import type { TlsFacts } from '../proxy-events.ts';
import type { Peer } from '../tls/peer.ts';

/** Where sessions of one kind go, and who must be there. */
export interface SessionTarget {
  readonly address: Address;
  /** SPIFFE IDs one of which the peer must prove. */
  readonly expectedIds: readonly string[];
}

/** A session and what its handshake settled on. */
export interface PooledSession {
  readonly session: HboneClientSession;
  readonly peer: Peer;
  readonly ownSerial: string | undefined;
  readonly tls: TlsFacts;
  /** When the first of the two certificates runs out, in milliseconds since 1970. */
  readonly notAfterMs: number;
}

/** @throws {MeshError} whatever kept the session from coming about. */
export type DialSession = (target: SessionTarget) => Promise<PooledSession>;

/** The answer of the peer, and the session on which it came. */
export interface PooledOutcome {
  readonly outcome: Exclude<OpenOutcome, { outcome: 'unprocessed' }>;
  readonly via: PooledSession;
}

interface Slot {
  readonly target: SessionTarget;
  sessions: PooledSession[];
  dialling: Promise<PooledSession> | undefined;
}

const MAX_ATTEMPTS = 3;
/** After this share of the time that the certificates of a session have left it is replaced. */
const REPLACED_AT = 0.9;

/**
 * The HBONE sessions of one proxy: shared by all streams to the same peer under the same own
 * identity, made when first needed or when a full one must be relieved, and replaced when the
 * identity changes or the peer drains.
 */
export class SessionPool {
  readonly #dial: DialSession;
  readonly #clock: Clock;
  readonly #slots = new Map<string, Slot>();
  #generation = 0;

  constructor(dial: DialSession, clock: Clock) {
    this.#dial = dial;
    this.#clock = clock;
  }

  get size(): number {
    return this.#all().length;
  }

  /**
   * Asks the peer for a connection to `authority`. A request that a peer has not acted on is
   * repeated on another session.
   *
   * @param patience bounds the wait for each session that has to be made; others who wait for it may have more
   * @throws {MeshError} when no session comes about.
   */
  async open(
    target: SessionTarget,
    authority: string,
    patience?: Deadlines,
  ): Promise<PooledOutcome> {
    let unprocessed = 0;
    while (unprocessed < MAX_ATTEMPTS) {
      const slot = this.#slotFor(target);
      const via = slot.sessions.find(({ session }) => session.available > 0);
      if (via === undefined) {
        const dialling = slot.dialling ?? this.#dialFor(slot);
        const { session } = await (patience?.bound(dialling, () => tooLate(target)) ?? dialling);
        // Many may wait here for one dial; who comes too late for a place of it dials the next.
        if (session.available === 0 && session.streams === 0) unprocessed += 1;
        continue;
      }
      const outcome = await via.session.open(authority);
      if (outcome.outcome !== 'unprocessed') return { outcome, via };
      unprocessed += 1;
    }
    throw new MeshError(
      'ERR_UNREACHABLE',
      `${formatAddress(target.address)} ended ${MAX_ATTEMPTS} sessions before it answered`,
    );
  }

  /**
   * Makes a session to a peer that none is open to, for a call that is to come.
   *
   * @throws {MeshError} when none comes about.
   */
  async warm(target: SessionTarget): Promise<void> {
    const slot = this.#slotFor(target);
    if (slot.sessions.length === 0) await (slot.dialling ?? this.#dialFor(slot));
  }

  /** Replaces all sessions: the own identity changed. Streams that are open stay where they are. */
  rotate(): void {
    this.#generation += 1;
    for (const slot of this.#slots.values()) {
      const old = slot.sessions;
      slot.sessions = [];
      slot.dialling = undefined;
      // Made at once, so that the next stream need not wait; who fails here is told by then.
      if (old.length > 0) this.#dialFor(slot).catch(() => undefined);
      for (const { session } of old) session.drain();
    }
  }

  /** For the task that looks after idle and dead peers: each session must have answered by the next call. */
  probe(): void {
    for (const { session } of this.#all()) session.probe();
  }

  /** Resolves when all sessions have ended, each after its last stream. */
  async drain(): Promise<void> {
    const all = this.#all();
    for (const { session } of all) session.drain();
    await Promise.all(all.map(({ session }) => session.closed));
  }

  destroy(reason: string): void {
    this.#generation += 1;
    for (const { session } of this.#all()) session.destroy(reason);
    this.#slots.clear();
  }

  #dialFor(slot: Slot): Promise<PooledSession> {
    const dialling = this.#dialInto(slot, this.#generation).finally(() => {
      if (slot.dialling === dialling) slot.dialling = undefined;
      this.#forgetEmpty(slot);
    });
    slot.dialling = dialling;
    return dialling;
  }

  async #dialInto(slot: Slot, generation: number): Promise<PooledSession> {
    const dialled = await this.#dial(slot.target);
    if (generation !== this.#generation) {
      dialled.session.drain(); // made with an identity that is no longer the newest
      return dialled;
    }
    slot.sessions.push(dialled);
    void this.#replaceInTime(slot, dialled);
    void dialled.session.closed.then(() => {
      slot.sessions = slot.sessions.filter((each) => each !== dialled);
      this.#forgetEmpty(slot);
    });
    return dialled;
  }

  /** Makes another session while the certificates of this one still hold, and then drains it. */
  async #replaceInTime(slot: Slot, pooled: PooledSession): Promise<void> {
    const { session, notAfterMs } = pooled;
    const gone = new AbortController();
    void session.closed.then(() => gone.abort());
    const atMs = this.#clock.now() + REPLACED_AT * (notAfterMs - this.#clock.now());
    await sleepUntil(atMs, this.#clock, gone.signal);
    if (!slot.sessions.includes(pooled)) return;
    try {
      await this.#dialFor(slot);
    } catch {
      return; // it goes on until its end, and who dials next is told why
    }
    slot.sessions = slot.sessions.filter((each) => each !== pooled);
    session.drain();
  }

  #slotFor(target: SessionTarget): Slot {
    const key = keyOf(target);
    return this.#slots.getOrInsertComputed(key, () => ({
      target,
      sessions: [],
      dialling: undefined,
    }));
  }

  #forgetEmpty(slot: Slot): void {
    const key = keyOf(slot.target);
    if (slot.sessions.length > 0 || slot.dialling !== undefined) return;
    if (this.#slots.get(key) === slot) this.#slots.delete(key);
  }

  #all(): PooledSession[] {
    return [...this.#slots.values()].flatMap(({ sessions }) => sessions);
  }
}

function keyOf({ address, expectedIds }: SessionTarget): string {
  return `${formatAddress(address)} ${expectedIds.join(' ')}`;
}

function tooLate({ address }: SessionTarget): MeshError {
  const reason = `cannot connect to ${formatAddress(address)}: it does not answer within the connectTimeout of the service`;
  return new MeshError('ERR_UNREACHABLE', reason);
}
