import type { OnReadOpts } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { formatAddress } from '../address.ts';
import { LentReads } from '../bytes/lent-reads.ts';
import { localAddress } from '../bytes/socket-addresses.ts';
import type { Deadlines } from '../deadlines.ts';
import { drainAtExpiry } from '../guards/drain-at-expiry.ts';
import type { FallbackGuard } from '../guards/fallback-guard.ts';
import type { FederationGuard } from '../guards/federation-guard.ts';
import type { RevocationGuard } from '../guards/revocation-guard.ts';
import type { HboneClientSession, HboneTransport } from '../hbone/hbone-transport.ts';
import type { SessionRecord } from '../proxy-events.ts';
import type { PartialEnds, Reporter } from '../reporter.ts';
import {
  clientTlsOptions,
  type HandshakeOptions,
  handshakeAsClient,
  resumeFor,
  type SecuredConnection,
} from '../tls/handshake.ts';
import { failedHandshake, presentedBy } from '../tls/handshake-record.ts';
import type { Resumption } from '../tls/resumption.ts';
import type { HotSecureContext } from '../tls/secure-context.ts';
import { whenConnected } from './connect-tcp.ts';
import type { DialSession, PooledSession, SessionTarget } from './session-pool.ts';

export interface HboneDialOptions {
  readonly context: HotSecureContext;
  readonly transport: HboneTransport;
  readonly trustDomains: HandshakeOptions['trustDomains'];
  readonly clock: Clock;
  readonly revocations: RevocationGuard;
  readonly federation: FederationGuard;
  readonly fallback: FallbackGuard;
  readonly clockNote: HandshakeOptions['clockNote'];
  readonly resumption: Resumption;
  readonly reporter: Reporter;
  readonly connectDeadlines: Deadlines;
  readonly handshakeDeadlines: Deadlines;
}

const KEEP_ALIVE_AFTER_MS = 30_000;
const MOST_SERVERS = 10_000;

/** Makes HBONE sessions under the newest identity; reports each, and each handshake that fails. */
export function hboneDialer(options: HboneDialOptions): DialSession {
  /** Our serial that a server took the last time, by address and who must be there. */
  const taken = new Map<string, string | undefined>();
  return async (target) => {
    const server = `${formatAddress(target.address)} ${target.expectedIds.join(' ')}`;
    const asked = { context: options.context.current, sni: undefined, server };
    const offered = options.resumption.offer(resumeFor(asked));
    const tls = { ...asked, alpn: ['h2'], offered };
    const reads = new LentReads();
    // TLS that connects by itself, for only then Node lets it read into a buffer of ours.
    const dial: ConnectionOptions & { onread: OnReadOpts; allowHalfOpen: boolean } = {
      ...clientTlsOptions(tls),
      ...target.address,
      onread: reads.onread,
      // The end of the connection is that of the session: no stream may outlive it half open.
      allowHalfOpen: false,
    };
    const socket = connect(dial);
    socket.setNoDelay(true);
    const raw = await whenConnected(socket, target.address, options.connectDeadlines);
    raw.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    const source = localAddress(raw);
    const ends: PartialEnds = {
      ...{ direction: 'outbound', source, destination: target.address, transport: 'hbone' },
    };
    const outcome = await handshakeAsClient(raw, {
      ...options,
      ...tls,
      deadlines: options.handshakeDeadlines,
      neededProtocol: 'h2',
      expectedIds: target.expectedIds,
    });
    if ('failure' in outcome) {
      const { reason, verdict } = outcome.failure;
      const { expectedIds } = target;
      options.reporter.handshakeFailed(ends, { ...outcome.failure, expectedIds });
      throw failedHandshake(verdict, reason);
    }
    const forget = (): void => options.resumption.forget(resumeFor(tls));
    const { secured } = outcome;
    // Once: who ends two in a row does not take us.
    const tookUs = (): boolean => taken.get(server) === secured.ownSerial && taken.delete(server);
    const session = await begin({ secured, reads, target, ends, forget, tookUs }, options);
    if (taken.size >= MOST_SERVERS) taken.clear();
    taken.set(server, secured.ownSerial);
    drainAtExpiry(session, secured.notAfterMs, options.clock);
    const { peer, ownSerial, tls: facts, notAfterMs } = secured;
    const pooled = { session, peer, ownSerial, tls: facts, notAfterMs };
    return announce(pooled, ends, options.reporter);
  };
}

interface Secured {
  readonly secured: SecuredConnection;
  readonly reads: LentReads;
  readonly target: SessionTarget;
  readonly ends: PartialEnds;
  /** For when the server does not take us: what it gave to come back with may be why. */
  readonly forget: () => void;
  /** Whether it took our certificate the last time. */
  readonly tookUs: () => boolean;
}

/** Speaks HTTP/2 on it; a peer that refuses our certificate under TLS 1.3 shows that only here. */
async function begin(
  { secured, reads, target, ends, forget, tookUs }: Secured,
  { transport, reporter, handshakeDeadlines }: HboneDialOptions,
): Promise<HboneClientSession> {
  const { socket, peer, ownSerial } = secured;
  const deadline = handshakeDeadlines.set(() => socket.destroy());
  try {
    return await transport.connect(socket, reads);
  } catch (error) {
    forget();
    const reason = `"${peer.id}" ended the connection after the TLS handshake (${messageOf(error)}); it may not have accepted our certificate (serial ${ownSerial}): its own log says why`;
    const presented = presentedBy(peer);
    const verdict = 'ERR_UNREACHABLE';
    const { expectedIds } = target;
    reporter.handshakeFailed(ends, { ...presented, verdict, ownSerial, expectedIds, reason });
    // Who refuses us does not say so. Who took the same certificate before has more likely died just now.
    throw failedHandshake(tookUs() ? verdict : 'ERR_TLS', reason, error);
  } finally {
    deadline.cancel();
  }
}

function announce(pooled: PooledSession, ends: PartialEnds, reporter: Reporter): PooledSession {
  const { session, peer, ownSerial, tls } = pooled;
  const record: SessionRecord = {
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
  reporter.sessionOpened(record);
  void session.closed.then((reason) => reporter.sessionClosed(record, reason));
  return pooled;
}
