import type { Channel } from './bytes/channel.ts';
import { type Meter, type SpliceFailure, splice } from './bytes/splice.ts';
import type { Admission, Verdict } from './enforcement.ts';
import type { ShownSerials } from './guards/revocation-guard.ts';
import type { HttpJoin } from './http/http-join.ts';
import type { CloseReason, ConnectionRecord } from './proxy-events.ts';
import type { Reporter } from './reporter.ts';

/** What does not change about a connection while it is open. */
export type ConnectionAbout = Omit<
  ConnectionRecord,
  'id' | 'openedAtMs' | 'bytesIn' | 'bytesOut' | 'decision'
>;

/** A connection that may flow now. */
export interface NewConnection {
  readonly about: ConnectionAbout;
  readonly source: Channel;
  readonly destination: Channel;
  /** What the policies were asked, and said; undefined when outbound. */
  readonly admission: Admission | undefined;
  readonly decision: string | undefined;
  /** Where requests are judged: what takes the place of `splice`. */
  readonly http?: HttpJoin | undefined;
  /** Called once when it is closed. */
  readonly closed?: () => void;
}

/** An open connection, to whoever looks after it. */
export interface ConnectionHandle {
  /** Both directions together, so far. */
  bytes(): number;
  close(reason: CloseReason, detail: string): void;
}

/** All open connections of a proxy. */
export class ConnectionTable {
  readonly #reporter: Reporter;
  readonly #open = new Set<OpenConnection>();
  readonly #waiting: (() => void)[] = [];
  #lastId: number;

  /** @param firstNumber connections are numbered from the one after it. */
  constructor(reporter: Reporter, firstNumber = 0) {
    this.#reporter = reporter;
    this.#lastId = firstNumber;
  }

  get size(): number {
    return this.#open.size;
  }

  list(): readonly ConnectionRecord[] {
    return [...this.#open].map((connection) => connection.record());
  }

  /** Joins the two sides, reports that and, in time, the end. */
  add(connection: NewConnection): ConnectionHandle {
    this.#lastId += 1;
    const open = new OpenConnection(this.#lastId, this.#reporter.nowMs, connection);
    this.#open.add(open);
    this.#reporter.opened(open.record());
    const join = connection.http?.start ?? splice;
    join({
      source: connection.source,
      destination: connection.destination,
      meter: open,
      closed: (failure) => {
        this.#open.delete(open);
        this.#reporter.closed({ ...open.record(), ...open.ending(failure) });
        connection.closed?.();
        if (this.#open.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
      },
    });
    return open;
  }

  /**
   * Asks `judge` about every inbound connection again and closes what is no longer allowed. Of those
   * whose requests are judged it knows how.
   */
  recheck(judge: (admission: Admission, http: HttpJoin | undefined) => Verdict): void {
    for (const connection of this.#open) {
      const { admission, http } = connection.given;
      if (admission === undefined) continue;
      const verdict = judge(admission, http);
      connection.decision = verdict.decision;
      if (!verdict.allowed) connection.close('policy-changed', verdict.decision);
    }
  }

  /** Closes every connection on which a certificate was shown that `refusal` has something against. */
  closeRevoked(refusal: (shown: ShownSerials) => string | undefined): void {
    for (const connection of this.#open) {
      const reason = refusal(connection.given.about);
      if (reason !== undefined) connection.close('revoked', reason);
    }
  }

  /** Closes every connection with a peer whose trust domain `refusal` has something against. */
  closeUntrusted(refusal: (peerId: string | undefined) => string | undefined): void {
    for (const connection of this.#open) {
      const reason = refusal(connection.given.about.peerId);
      if (reason !== undefined) connection.close('untrusted', reason);
    }
  }

  /** Resolves when no connection is open. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#open.size === 0) resolve();
      else this.#waiting.push(resolve);
    });
  }

  closeAll(reason: CloseReason, detail: string): void {
    for (const connection of this.#open) connection.close(reason, detail);
  }
}

/** One row: the meter that its bytes are counted on. */
class OpenConnection implements Meter, ConnectionHandle {
  readonly given: NewConnection;
  decision: string | undefined;
  bytesIn = 0;
  bytesOut = 0;
  readonly #id: number;
  readonly #openedAtMs: number;
  #forced: { readonly reason: CloseReason; readonly detail: string } | undefined;

  constructor(id: number, openedAtMs: number, given: NewConnection) {
    this.#id = id;
    this.#openedAtMs = openedAtMs;
    this.given = given;
    this.decision = given.decision;
  }

  record(): ConnectionRecord {
    return {
      ...this.given.about,
      id: this.#id,
      openedAtMs: this.#openedAtMs,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      decision: this.decision,
    };
  }

  bytes(): number {
    return this.bytesIn + this.bytesOut;
  }

  close(reason: CloseReason, detail: string): void {
    this.#forced ??= { reason, detail };
    this.given.source.reset();
    this.given.destination.reset();
  }

  ending(failure: SpliceFailure | undefined): { reason: CloseReason; detail: string | undefined } {
    if (this.#forced !== undefined) return this.#forced;
    if (failure === undefined) return { reason: 'finished', detail: undefined };
    return { reason: 'reset', detail: `${failure.side}: ${failure.error.message}` };
  }
}
