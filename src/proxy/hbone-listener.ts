import { createServer, isIP, type Server, type Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { Watchable } from '../lib/watchable.ts';
import type { Identity } from '../spiffe/identity.ts';
import { type Address, parseAuthority } from './address.ts';
import type { AppGate } from './app-gate.ts';
import type { ConnectionAbout, ConnectionTable } from './connection-table.ts';
import type { Deadlines } from './deadlines.ts';
import { handshakeAsServer, type SecuredConnection } from './handshake.ts';
import type {
  HboneServerSession,
  HboneTransport,
  IncomingStream,
} from './hbone/hbone-transport.ts';
import type { SessionRecord } from './proxy-events.ts';
import type { PartialEnds, Reporter } from './reporter.ts';
import { socketAddresses } from './socket-addresses.ts';
import { TlsAcceptor } from './tls-acceptor.ts';

export interface HboneListenerOptions {
  readonly identity: Watchable<Identity>;
  readonly transport: HboneTransport;
  readonly trustDomains: readonly string[];
  readonly clock: Clock;
  readonly gate: AppGate;
  readonly table: ConnectionTable;
  readonly reporter: Reporter;
  readonly handshakeDeadlines: Deadlines;
  /** Streams of all sessions together. */
  readonly maxStreams: number;
  /** Where the application of an authority listens; undefined when it is not served here. */
  readonly appOf: (authority: Address, localHost: string) => Address | undefined;
}

const BAD_REQUEST = 400;
const FORBIDDEN = 403;
const NOT_FOUND = 404;
const UNAVAILABLE = 503;
const KEEP_ALIVE_AFTER_MS = 30_000;

/** A stream and the session it is of. */
interface Asked {
  readonly stream: IncomingStream;
  readonly session: SessionRecord;
  readonly principal: string;
}

/** The port on which other sidecars bring connections for this workload; mutual TLS always. */
export class HboneListener {
  readonly server: Server;
  readonly #options: HboneListenerOptions;
  readonly #acceptor: TlsAcceptor;
  readonly #sessions = new Set<HboneServerSession>();
  readonly #tasks = new Set<Promise<void>>();
  #streams = 0;
  #draining = false;

  constructor(options: HboneListenerOptions) {
    this.#options = options;
    this.#acceptor = new TlsAcceptor({
      ...{ identity: options.identity, profile: 'hbone', alpn: ['h2'] },
    });
    this.server = createServer(
      {
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
      },
      (raw) => {
        raw.on('error', () => undefined);
        const task = this.#accept(raw).finally(() => this.#tasks.delete(task));
        this.#tasks.add(task);
      },
    );
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Tells all peers to open no more streams here; resolves when no session is left. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const session of this.#sessions) session.drain();
    await Promise.all(this.#tasks);
  }

  destroy(): void {
    for (const session of this.#sessions) session.destroy();
  }

  /** Stops following the identity. */
  stop(): void {
    this.#acceptor.stop();
  }

  async #accept(raw: Socket): Promise<void> {
    const { transport, handshakeDeadlines, reporter } = this.#options;
    const { local, remote } = socketAddresses(raw);
    const ends: PartialEnds = {
      ...{ direction: 'inbound', source: remote, destination: local, transport: 'hbone' },
    };
    const outcome = await handshakeAsServer(raw, {
      ...this.#options,
      acceptor: this.#acceptor,
      deadlines: handshakeDeadlines,
    });
    if ('failure' in outcome) {
      const { failure } = outcome;
      reporter.handshakeFailed(
        { ...ends, ownSerial: failure.ownSerial },
        { ...failure, expectedIds: [] },
      );
      return;
    }
    const { secured } = outcome;
    if (secured.socket.alpnProtocol !== 'h2') {
      const reason = 'the client did not offer HTTP/2 by ALPN, so it speaks no HBONE';
      const { peer, ownSerial } = secured;
      const presented = { presentedId: peer.id, presentedSerial: peer.serial };
      reporter.handshakeFailed({ ...ends, ownSerial }, { ...presented, reason, expectedIds: [] });
      secured.socket.destroy();
      return;
    }
    const record = this.#recordOf(secured, ends);
    const { principal } = secured.peer;
    const session = transport.accept(secured.socket, (stream) => {
      void this.#serve({ stream, session: record, principal });
    });
    this.#sessions.add(session);
    reporter.sessionOpened(record);
    if (this.#draining) session.drain();
    const reason = await session.closed;
    this.#sessions.delete(session);
    reporter.sessionClosed(record, reason);
  }

  async #serve(asked: Asked): Promise<void> {
    const { maxStreams } = this.#options;
    if (this.#streams >= maxStreams) {
      const decision = `this workload has ${maxStreams} HBONE streams open, which is the limit`;
      return this.#refuse(asked, UNAVAILABLE, { reason: 'limit', decision });
    }
    this.#streams += 1;
    let flowing = false;
    try {
      flowing = await this.#pass(asked);
    } finally {
      if (!flowing) this.#streams -= 1;
    }
  }

  /** Whether the stream was joined with the application. */
  async #pass(asked: Asked): Promise<boolean> {
    const { stream, session, principal } = asked;
    const { reporter, gate } = this.#options;
    const authority = parseAuthority(stream.authority);
    if (authority === undefined) {
      const decision = `"${stream.authority.slice(0, 300)}" is no address and port`;
      this.#refuse(asked, BAD_REQUEST, { reason: 'not-served', decision });
      return false;
    }
    const app = this.#options.appOf(authority, session.destination.host);
    if (app === undefined) {
      const decision = `"${stream.authority}" is not served by this workload`;
      this.#refuse(asked, NOT_FOUND, { reason: 'not-served', decision });
      return false;
    }
    const about: ConnectionAbout = { ...aboutOf(session), destination: authority };
    const admission = {
      mutualTls: true,
      facts: {
        principal,
        sourceIp: session.source.host,
        destinationIp: isIP(authority.host) === 0 ? session.destination.host : authority.host,
        destinationPort: authority.port,
      },
    };
    const entry = await gate.enter(admission, app);
    if ('denied' in entry) {
      reporter.denied(about, entry.denied);
      stream.refuse(FORBIDDEN, entry.denied.decision);
      return false;
    }
    if ('unreachable' in entry) {
      reporter.upstreamFailed(about, entry.unreachable);
      stream.refuse(UNAVAILABLE);
      return false;
    }
    if (stream.gone) {
      entry.app.reset();
      return false;
    }
    const closed = (): void => {
      this.#streams -= 1;
    };
    const { app: destination, decision } = entry;
    this.#options.table.add({
      ...{ about, source: stream.accept(), destination },
      ...{ admission, decision, closed },
    });
    return true;
  }

  #refuse(
    { stream, session }: Asked,
    status: number,
    why: { reason: 'limit' | 'not-served'; decision: string },
  ): void {
    this.#options.reporter.denied(aboutOf(session), why);
    stream.refuse(status);
  }

  #recordOf({ peer, ownSerial, tls }: SecuredConnection, ends: PartialEnds): SessionRecord {
    const { reporter } = this.#options;
    return {
      ...ends,
      ...tls,
      service: undefined,
      transport: 'hbone',
      ownId: reporter.ownId,
      ownSerial,
      peerId: peer.id,
      peerSerial: peer.serial,
      openedAtMs: reporter.nowMs,
    };
  }
}

/** What a stream has from its session. */
function aboutOf({ openedAtMs: _, ...session }: SessionRecord): ConnectionAbout {
  return { ...session, transport: 'hbone', sni: undefined };
}
