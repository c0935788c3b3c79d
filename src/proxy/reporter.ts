import type { Clock } from '../lib/clock.ts';
import type {
  ClosedConnection,
  ClosedSession,
  ConnectionRecord,
  DeniedConnection,
  Ends,
  FailedHandshake,
  FailedUpstream,
  MalformedHttp,
  ProxyEvents,
  RequestRecord,
  SessionRecord,
  UsedFallback,
} from './proxy-events.ts';
import { handshakeHint, handshakeId, type PresentedCertificate } from './tls/handshake-record.ts';

/** What a proxy has counted since it started. */
export interface ProxyStats {
  readonly connectionsOpened: number;
  readonly connectionsClosed: number;
  readonly connectionsDenied: number;
  readonly handshakesFailed: number;
  readonly upstreamsFailed: number;
  readonly sessionsOpened: number;
  readonly sessionsClosed: number;
  readonly fallbacksUsed: number;
  /** Of closed connections, from source to destination. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What is known of who and where when something fails; the rest is filled in. */
export type PartialEnds = Pick<Ends, 'direction' | 'source' | 'destination'> & Partial<Ends>;

/** Why a handshake failed, and what was shown in it. */
export type HandshakeProblem = Pick<
  FailedHandshake,
  'expectedIds' | 'reason' | 'ownSerial' | 'verdict'
> &
  PresentedCertificate & {
    /** Default: by the ends. */
    readonly handshakeId?: string;
  };

/** Passes events on, dated and with this workload's name, and counts them. */
export class Reporter {
  readonly #events: ProxyEvents;
  readonly #clock: Clock;
  readonly #ownId: () => string;
  readonly #stats = {
    connectionsOpened: 0,
    connectionsClosed: 0,
    connectionsDenied: 0,
    handshakesFailed: 0,
    upstreamsFailed: 0,
    sessionsOpened: 0,
    sessionsClosed: 0,
    fallbacksUsed: 0,
    bytesIn: 0,
    bytesOut: 0,
  };

  constructor(events: ProxyEvents, clock: Clock, ownId: () => string) {
    this.#events = events;
    this.#clock = clock;
    this.#ownId = ownId;
  }

  /** SPIFFE ID of this workload now. */
  get ownId(): string {
    return this.#ownId();
  }

  get nowMs(): number {
    return this.#clock.now();
  }

  stats(): ProxyStats {
    return { ...this.#stats };
  }

  opened(connection: ConnectionRecord): void {
    this.#stats.connectionsOpened += 1;
    this.#events.connectionOpened(connection);
  }

  closed(connection: Omit<ClosedConnection, 'closedAtMs'>): void {
    this.#stats.connectionsClosed += 1;
    this.#stats.bytesIn += connection.bytesIn;
    this.#stats.bytesOut += connection.bytesOut;
    this.#events.connectionClosed({ ...connection, closedAtMs: this.nowMs });
  }

  denied(ends: PartialEnds, why: Pick<DeniedConnection, 'reason' | 'decision'>): void {
    this.#stats.connectionsDenied += 1;
    this.#events.connectionDenied({ ...this.#whole(ends), ...why, atMs: this.nowMs });
  }

  handshakeFailed(ends: PartialEnds, why: HandshakeProblem): void {
    this.#stats.handshakesFailed += 1;
    const { nowMs } = this;
    this.#events.handshakeFailed({
      handshakeId: handshakeId(ends.source, ends.destination),
      ...this.#whole(ends),
      ...why,
      hint: handshakeHint(why.verdict, why, nowMs),
      atMs: nowMs,
    });
  }

  upstreamFailed(ends: PartialEnds, reason: string): void {
    this.#stats.upstreamsFailed += 1;
    const failed: FailedUpstream = { ...this.#whole(ends), reason, atMs: this.nowMs };
    this.#events.upstreamFailed(failed);
  }

  requestEnded(request: RequestRecord): void {
    this.#events.requestEnded(request);
  }

  malformed(ends: PartialEnds, what: Pick<MalformedHttp, 'side' | 'reason' | 'status'>): void {
    this.#events.httpMalformed({ ...this.#whole(ends), ...what, atMs: this.nowMs });
  }

  sessionOpened(session: SessionRecord): void {
    this.#stats.sessionsOpened += 1;
    this.#events.sessionOpened(session);
  }

  sessionClosed(session: SessionRecord, reason: string): void {
    this.#stats.sessionsClosed += 1;
    const closed: ClosedSession = { ...session, reason, closedAtMs: this.nowMs };
    this.#events.sessionClosed(closed);
  }

  fallbackUsed(use: Omit<UsedFallback, 'atMs'>): void {
    this.#stats.fallbacksUsed += 1;
    this.#events.fallbackUsed({ ...use, atMs: this.nowMs });
  }

  portLearned(port: number, serverFirst: boolean): void {
    this.#events.portLearned({ port, serverFirst, atMs: this.nowMs });
  }

  #whole(ends: PartialEnds): Ends {
    return {
      service: undefined,
      transport: undefined,
      ownId: this.ownId,
      ownSerial: undefined,
      peerId: undefined,
      peerSerial: undefined,
      ...ends,
    };
  }
}
