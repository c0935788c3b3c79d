import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { localAddress, remoteAddress } from '../bytes/socket-addresses.ts';
import type { Deadlines } from '../deadlines.ts';
import type { FallbackGuard } from '../guards/fallback-guard.ts';
import type { FederationGuard } from '../guards/federation-guard.ts';
import type { RevocationGuard } from '../guards/revocation-guard.ts';
import type { Direction, TlsFacts } from '../proxy-events.ts';
import {
  type HandshakeVerdict,
  handshakeId,
  type PresentedCertificate,
  presentedCertificate,
  verdictOf,
} from './handshake-record.ts';
import { offTheStack } from './off-the-stack.ts';
import { checkOwnValidity, ownSerialOf, type Peer, provenPeer, tlsFactsOf } from './peer.ts';
import type { Remembered, ResumeFor, Resumption } from './resumption.ts';
import type { IdentityContext } from './secure-context.ts';
import type { TlsAcceptor } from './tls-acceptor.ts';

/** What both sides of a handshake need. */
export interface HandshakeOptions {
  /** Trust domains whose identities are those of this mesh, now. */
  readonly trustDomains: () => readonly string[];
  readonly clock: Clock;
  /** Half a sentence on a clock that is wrong, for certificates that seem out of time; none when all is well. */
  readonly clockNote?: ((nowMs: number) => string | undefined) | undefined;
  readonly revocations: RevocationGuard;
  readonly federation: FederationGuard;
  /** What certificates that have run out are still good for. */
  readonly fallback: FallbackGuard;
  readonly resumption: Resumption;
  /** Bounds the handshake. */
  readonly deadlines: Deadlines;
  /** The protocol that must have been agreed on by ALPN. Default: none need be. */
  readonly neededProtocol?: string;
}

export interface ServerHandshakeOptions extends HandshakeOptions {
  readonly acceptor: TlsAcceptor;
  readonly identity: Watchable<Identity>;
}

export interface ClientHandshakeOptions extends HandshakeOptions {
  readonly context: IdentityContext;
  /** Protocols offered, in order of preference. */
  readonly alpn: readonly string[];
  /** Server name to ask for; none is sent when undefined. */
  readonly sni: string | undefined;
  /** SPIFFE IDs one of which the server must prove; empty: any of this mesh, of no other trust domain. */
  readonly expectedIds: readonly string[];
  /** Address and whoever must answer there; what a server gave to come back with is kept by this. */
  readonly server: string;
  /** What such a server gave to come back with, and is offered now. */
  readonly offered: Remembered | undefined;
}

/** A mutual TLS connection whose peer is proved. */
export interface SecuredConnection {
  readonly socket: TLSSocket;
  /** The TCP connection below. */
  readonly raw: Socket;
  readonly peer: Peer;
  readonly ownSerial: string | undefined;
  /** When the first of the two certificates runs out, in milliseconds since 1970. */
  readonly notAfterMs: number;
  readonly tls: TlsFacts;
}

export interface HandshakeFailure extends PresentedCertificate {
  readonly handshakeId: string;
  readonly verdict: HandshakeVerdict;
  readonly reason: string;
  readonly ownSerial: string | undefined;
}

const LEAVE_MS = 1_000;

export type HandshakeOutcome =
  | { readonly secured: SecuredConnection }
  | { readonly failure: HandshakeFailure };

/**
 * Takes the server's part on an accepted connection, bytes already read and put back included. The
 * client must show a certificate of the mesh. On failure the connection is gone. Never rejects.
 */
export async function handshakeAsServer(
  raw: Socket,
  options: ServerHandshakeOptions,
): Promise<HandshakeOutcome> {
  const { acceptor, identity, deadlines, resumption } = options;
  let shown: () => readonly Certificate[] = () => [];
  const judgement: Judgement = {
    ...options,
    purpose: 'clientAuth',
    // The newest bundle, should it have changed since the handshake began.
    identity: () => identity.current,
    expectedIds: [],
    chainOf: () => shown(),
    proved: (_, chain, peer) => resumption.learn(chain, peer),
  };
  const look = (socket: TLSSocket): void => {
    shown = readNow(() => resumption.clientChain(socket, identity.current.svid.chain));
  };
  return await conclude(raw, judgement, () => within(deadlines, acceptor.accept(raw, look)));
}

/** What `read` gives or throws now, for later. */
function readNow<T>(read: () => T): () => T {
  try {
    const value = read();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** What `tls.connect` is told for the client's part. */
export function clientTlsOptions({
  context,
  alpn,
  sni,
  offered,
}: Pick<ClientHandshakeOptions, 'context' | 'alpn' | 'sni' | 'offered'>): ConnectionOptions {
  return {
    ...(offered === undefined ? {} : { session: offered.ticket }),
    secureContext: context.secureContext,
    ALPNProtocols: [...alpn],
    servername: sni ?? '',
    // Verified below, by the rules of SPIFFE and with reasons that people can act on.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
}

/**
 * Takes the client's part on a connected socket, or on a TLS socket that has just connected by itself. The server must prove an identity of the mesh, and
 * the expected one. On failure the connection is gone. Never rejects.
 */
export async function handshakeAsClient(
  raw: Socket,
  options: ClientHandshakeOptions,
): Promise<HandshakeOutcome> {
  const { context, deadlines, resumption } = options;
  const start = (): Promise<TLSSocket> =>
    secured(
      raw instanceof TLSSocket ? raw : connect({ ...clientTlsOptions(options), socket: raw }),
    );
  const identity = (): Identity => context.identity;
  const given = resumeFor(options);
  const judgement: Judgement = {
    ...{ ...options, purpose: 'serverAuth', identity },
    chainOf: (socket) => resumption.serverChain(socket, options.offered),
    proved: (socket, chain) => resumption.keep(socket, given, chain),
  };
  const outcome = await conclude(raw, judgement, () => within(deadlines, start()));
  if ('failure' in outcome) resumption.forget(given);
  return outcome;
}

/** What tickets of a server are kept by. */
export function resumeFor({
  context,
  sni = '',
  server,
}: Pick<ClientHandshakeOptions, 'context' | 'sni' | 'server'>): ResumeFor {
  return { context: context.secureContext, server: `${server} ${sni}` };
}

/** How the peer of a handshake that is done is judged. */
interface Judgement extends HandshakeOptions {
  readonly purpose: 'serverAuth' | 'clientAuth';
  readonly identity: () => Identity;
  readonly expectedIds: readonly string[];
  /** What the peer showed, now or when the session began that is resumed. */
  readonly chainOf: (socket: TLSSocket) => readonly Certificate[];
  /** Called when the peer is proved and may be connected. */
  readonly proved: (socket: TLSSocket, chain: readonly Certificate[], peer: Peer) => void;
}

async function conclude(
  raw: Socket,
  judgement: Judgement,
  handshake: () => Promise<TLSSocket>,
): Promise<HandshakeOutcome> {
  let chain: readonly Certificate[] = [];
  const id = idOf(raw, judgement.purpose);
  const startedAtMs = judgement.clock.now();
  let done: TLSSocket | undefined;
  try {
    if (raw.destroyed) throw new MeshError('ERR_UNREACHABLE', 'the peer is already gone');
    checkOwn(judgement);
    const socket = await handshake();
    done = socket;
    // Until its next owner listens, an error must not go unheard.
    socket.on('error', () => undefined);
    chain = judgement.chainOf(socket);
    const peer = judge(chain, judgement);
    checkProtocol(socket, judgement.neededProtocol);
    const ownSerial = ownSerialOf(socket);
    const { serial: peerSerial, authoritySerials } = peer;
    judgement.revocations.admit(socket, { ownSerial, peerSerial, authoritySerials });
    judgement.federation.admit(socket, peer.id);
    judgement.proved(socket, chain, peer);
    const tls = tlsFactsOf(socket);
    const own = judgement.identity().svid.chain[0]?.notAfterMs ?? 0;
    const ends = [own, peer.notAfterMs].map((endMs) => countsUntil(endMs, startedAtMs, judgement));
    const notAfterMs = Math.min(...ends);
    return { secured: { socket, raw, peer, ownSerial, notAfterMs, tls } };
  } catch (error) {
    if (done === undefined) raw.destroy();
    // For the client all is well by now: a mere end would look like an empty answer in good order.
    else if (judgement.purpose === 'clientAuth') raw.resetAndDestroy();
    else leave(done, raw);
    return {
      failure: {
        reason: withClockNote(messageOf(error), chain, judgement),
        handshakeId: id,
        verdict: verdictOf(error),
        ...presentedCertificate(chain[0]),
        ownSerial: judgement.identity().svid.chain[0]?.serial,
      },
    };
  }
}

/** Says whose clock is wrong when a certificate seems out of time and the clocks are known to differ. */
function withClockNote(
  reason: string,
  chain: readonly Certificate[],
  { clock, clockNote, identity }: Judgement,
): string {
  const nowMs = clock.now();
  const outOfTime = [...chain, ...identity().svid.chain].some(
    ({ notBeforeMs, notAfterMs }) => nowMs < notBeforeMs || nowMs > notAfterMs,
  );
  const note = outOfTime ? clockNote?.(nowMs) : undefined;
  return note === undefined ? reason : `${reason}; ${note}`;
}

/** Resolves when the TLS handshake is done, which says nothing yet about who the server is. */
function secured(socket: TLSSocket): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => offTheStack(() => resolve(socket)));
    socket.on('error', (error) => reject(lostConnection(error) ?? error));
    socket.once('close', () => {
      const reason =
        'the server ended the connection during the TLS handshake; it may not speak mutual TLS';
      reject(new MeshError('ERR_UNREACHABLE', reason));
    });
  });
}

/** What the network did to a handshake, as against what the server says of it; undefined: it was not the network. */
export function lostConnection(error: Error): MeshError | undefined {
  const code = 'code' in error ? error.code : undefined;
  if (code !== 'ECONNRESET' && code !== 'EPIPE') return undefined;
  const reason = `the connection was lost during the TLS handshake (${code})`;
  return new MeshError('ERR_UNREACHABLE', reason, { cause: error });
}

function within<T>(deadlines: Deadlines, work: Promise<T>): Promise<T> {
  const reason = 'the peer did not finish the TLS handshake in time';
  return deadlines.bound(work, () => new MeshError('ERR_UNREACHABLE', reason));
}

/** A name for the handshake on a connection, whichever end this is. */
function idOf(raw: Socket, purpose: Judgement['purpose']): string {
  const [here, there] = [localAddress(raw), remoteAddress(raw)];
  return purpose === 'clientAuth' ? handshakeId(there, here) : handshakeId(here, there);
}

function directionOf({ purpose }: Judgement): Direction {
  return purpose === 'clientAuth' ? 'inbound' : 'outbound';
}

/** Refuses to go on with a certificate of one's own that counts no more, by the FallbackPolicy. */
function checkOwn(judgement: Judgement): void {
  const { fallback, clock } = judgement;
  const identity = judgement.identity();
  const nowMs = clock.now();
  const notAfterMs = identity.svid.chain[0]?.notAfterMs ?? 0;
  const isKept = nowMs > notAfterMs && nowMs <= notAfterMs + fallback.keepForMs;
  if (isKept) fallback.ownUsed(directionOf(judgement));
  else checkOwnValidity(identity, nowMs);
}

/** The moment at which a chain is judged: its end, if that is over and the FallbackPolicy still counts it. */
function judgedAtMs(chain: readonly Certificate[], judgement: Judgement): number {
  const { clock, fallback } = judgement;
  const nowMs = clock.now();
  const [leaf] = chain;
  if (leaf === undefined || nowMs <= leaf.notAfterMs) return nowMs;
  if (nowMs > leaf.notAfterMs + fallback.keepForMs) return nowMs;
  const use = { direction: directionOf(judgement), whose: 'peer' } as const;
  fallback.used({ ...use, id: leaf.uriSans[0] ?? '', notAfterMs: leaf.notAfterMs });
  return leaf.notAfterMs;
}

function judge(chain: readonly Certificate[], judgement: Judgement): Peer {
  const { purpose, expectedIds } = judgement;
  const trustDomains = judgement.trustDomains();
  const peer = provenPeer(chain, {
    ...{ identity: judgement.identity(), trustDomains, purpose },
    nowMs: judgedAtMs(chain, judgement),
  });
  if (expectedIds.includes(peer.id)) return peer;
  if (expectedIds.length === 0) {
    // Whoever calls is told to the policies; a server that nobody named must be of this mesh.
    if (purpose === 'clientAuth' || trustDomains.some((name) => isOf(peer, name))) return peer;
    throw new MeshError(
      'ERR_UNAUTHENTICATED',
      `the server proved to be "${peer.id}" (serial ${peer.serial}), which is not of this mesh; name its trust domain on the WorkloadEntry if it is meant`,
    );
  }
  throw new MeshError(
    'ERR_UNAUTHENTICATED',
    `the server proved to be "${peer.id}" (serial ${peer.serial}) and not "${expectedIds.join('" or "')}"`,
  );
}

function isOf({ principal }: Peer, trustDomain: string): boolean {
  return principal.startsWith(`${trustDomain}/`);
}

function checkProtocol({ alpnProtocol }: TLSSocket, needed: string | undefined): void {
  if (needed === undefined || alpnProtocol === needed) return;
  const got = typeof alpnProtocol === 'string' ? `"${alpnProtocol}"` : 'none';
  throw new MeshError(
    'ERR_WIRE',
    `the peer agreed by ALPN on ${got} and not on "${needed}", so it does not speak what this port is for`,
  );
}

/**
 * Until when a certificate that runs out at `endMs` counts in a session. What was valid when its handshake began counts
 * to its end even where a FallbackPolicy keeps it: to go on after that takes a handshake, which tells of it.
 */
function countsUntil(endMs: number, startedAtMs: number, { fallback }: Judgement): number {
  return startedAtMs <= endMs ? endMs : endMs + fallback.keepForMs;
}

/**
 * Ends a connection to a server that is not accepted. What TLS still has to send goes out first, our certificate
 * among it, so that the server's record of this can name it; nothing of the application is on its way.
 */
function leave(socket: TLSSocket, raw: Socket): void {
  const late = setTimeout(() => raw.destroy(), LEAVE_MS);
  socket.once('close', () => clearTimeout(late));
  socket.end();
  socket.resume();
}
