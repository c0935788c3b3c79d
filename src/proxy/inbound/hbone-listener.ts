import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { KEEP_ALIVE_AFTER_MS } from '../bytes/accepting.ts';
import { localAddress, remoteAddress } from '../bytes/socket-addresses.ts';
import type { Deadlines } from '../deadlines.ts';
import { drainAtExpiry } from '../guards/drain-at-expiry.ts';
import type { FallbackGuard } from '../guards/fallback-guard.ts';
import type { FederationGuard } from '../guards/federation-guard.ts';
import type { RevocationGuard } from '../guards/revocation-guard.ts';
import type { HboneServerSession, HboneTransport } from '../hbone/hbone-transport.ts';
import type { SessionRecord } from '../proxy-events.ts';
import type { PartialEnds, Reporter } from '../reporter.ts';
import {
  type HandshakeOptions,
  handshakeAsServer,
  type SecuredConnection,
} from '../tls/handshake.ts';
import type { HandshakeGate } from '../tls/handshake-gate.ts';
import { presentedBy } from '../tls/handshake-record.ts';
import type { Resumption } from '../tls/resumption.ts';
import { TlsAcceptor } from '../tls/tls-acceptor.ts';
import type { HboneStreams } from './hbone-streams.ts';

export interface HboneListenerOptions {
  readonly identity: Watchable<Identity>;
  readonly transport: HboneTransport;
  readonly trustDomains: HandshakeOptions['trustDomains'];
  readonly clock: Clock;
  readonly revocations: RevocationGuard;
  readonly federation: FederationGuard;
  readonly fallback: FallbackGuard;
  readonly clockNote: HandshakeOptions['clockNote'];
  readonly resumption: Resumption;
  readonly ticketKeys: Watchable<Uint8Array>;
  readonly reporter: Reporter;
  readonly handshakeDeadlines: Deadlines;
  readonly handshakeGate: HandshakeGate;
  /** What becomes of the streams. */
  readonly streams: HboneStreams;
}

const NOT_BEGUN = 'did not begin to speak HTTP/2 in time';

/** The port on which other sidecars bring connections for this workload; mutual TLS always. */
export class HboneListener {
  readonly server: Server;
  readonly #options: HboneListenerOptions;
  readonly #acceptor: TlsAcceptor;
  readonly #sessions = new Set<HboneServerSession>();
  readonly #tasks = new Set<Promise<void>>();
  #draining = false;

  constructor(options: HboneListenerOptions) {
    this.#options = options;
    this.#acceptor = new TlsAcceptor({
      ...{ identity: options.identity, profile: 'hbone', alpn: ['h2'] },
      ticketKeys: options.ticketKeys,
    });
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS };
    this.server = createServer({ noDelay: true, ...keepAlive }, (raw) => {
      raw.on('error', () => undefined);
      const task = this.#accept(raw).finally(() => this.#tasks.delete(task));
      this.#tasks.add(task);
    });
  }

  /** Tells all peers to open no more streams here; resolves when no session is left. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const session of this.#sessions) session.drain();
    await Promise.all(this.#tasks);
  }

  /** For the task that looks after idle and dead peers, as `SessionPool.probe`. */
  probe(): void {
    for (const session of this.#sessions) session.probe();
  }

  destroy(): void {
    for (const session of this.#sessions) session.destroy();
  }

  /** Stops following the identity. */
  stop(): void {
    this.#acceptor.stop();
  }

  async #accept(raw: Socket): Promise<void> {
    const { reporter, handshakeDeadlines } = this.#options;
    const ends: PartialEnds = {
      ...{ direction: 'inbound', transport: 'hbone' },
      ...{ source: remoteAddress(raw), destination: localAddress(raw) },
    };
    const gate = this.#options.handshakeGate.enter(ends.source.host);
    if ('refused' in gate) {
      if (gate.isNews) reporter.denied(ends, { reason: 'limit', decision: gate.refused });
      raw.destroy();
      return;
    }
    const outcome = await handshakeAsServer(raw, {
      ...this.#options,
      acceptor: this.#acceptor,
      deadlines: handshakeDeadlines,
      neededProtocol: 'h2',
    }).finally(gate.leave);
    if ('failure' in outcome) {
      reporter.handshakeFailed(ends, { ...outcome.failure, expectedIds: [] });
      return;
    }
    try {
      await this.#serve(outcome.secured, ends);
    } catch (error) {
      reporter.upstreamFailed(ends, messageOf(error));
      raw.destroy();
    }
  }

  async #serve(secured: SecuredConnection, ends: PartialEnds): Promise<void> {
    const { transport, reporter, streams } = this.#options;
    const record = this.#recordOf(secured, ends);
    const { principal, id, certificateHash } = secured.peer;
    const peer = { id, certificateHash };
    const session = transport.accept(secured.socket, (stream) => {
      streams.serve({ stream, session: record, principal, peer });
    });
    this.#sessions.add(session);
    reporter.sessionOpened(record);
    drainAtExpiry(session, secured.notAfterMs, this.#options.clock);
    if (this.#draining) session.drain();
    const deadline = this.#options.handshakeDeadlines.set(() => {
      if (!session.begun) session.destroy(NOT_BEGUN);
    });
    const reason = await session.closed;
    deadline.cancel();
    this.#sessions.delete(session);
    reporter.sessionClosed(record, reason);
    if (!session.begun && !this.#draining) this.#neverBegan(secured, ends, reason);
  }

  /** Under TLS 1.3 a client looks at our certificate when the handshake is over for us. */
  #neverBegan({ peer, ownSerial }: SecuredConnection, ends: PartialEnds, reason: string): void {
    this.#options.reporter.handshakeFailed(ends, {
      ...{ ...presentedBy(peer), ownSerial, expectedIds: [], verdict: 'ERR_UNREACHABLE' },
      reason:
        reason === NOT_BEGUN
          ? `"${peer.id}" ${NOT_BEGUN} after the TLS handshake`
          : `"${peer.id}" ended the connection after the TLS handshake; it may not have accepted our certificate (serial ${ownSerial}): its own log says why`,
    });
  }

  #recordOf({ peer, ownSerial, tls }: SecuredConnection, ends: PartialEnds): SessionRecord {
    const { reporter } = this.#options;
    return {
      ...ends,
      ...tls,
      ...{ service: undefined, transport: 'hbone', ownId: reporter.ownId, ownSerial },
      ...{ peerId: peer.id, peerSerial: peer.serial, openedAtMs: reporter.nowMs },
    };
  }
}
