import type { EffectiveFallback } from '../policy/effective-fallback.ts';
import type { Address } from './address.ts';
import type { HandshakeVerdict, PresentedCertificate } from './tls/handshake-record.ts';

/** Inbound: to the workload. Outbound: from it. */
export type Direction = 'inbound' | 'outbound';

/** How the bytes travel between the two sidecars. */
export type ConnectionTransport =
  /** A stream of HTTP/2 CONNECT over a shared mutual TLS session. */
  | 'hbone'
  /** Mutual TLS of its own on the workload port, as Istio's sidecars do. */
  | 'istio-mtls'
  | 'plaintext'
  /** TLS to a server that need not be of the mesh, as a DestinationRule asks for. */
  | 'tls'
  /** The application's own bytes, TLS or not: the proxy does not look into them. */
  | 'passthrough';

/** Who and where: the part that all records share. */
export interface Ends {
  readonly direction: Direction;
  /** Who connected: the peer when inbound, the application when outbound. */
  readonly source: Address;
  /** Inbound: workload address and port. Outbound: the endpoint, or the service when none was reached. */
  readonly destination: Address;
  /** The service that the application asked for; outbound only. */
  readonly service: Address | undefined;
  /** Undefined when it had not been decided yet. */
  readonly transport: ConnectionTransport | undefined;
  /** SPIFFE ID of this workload. */
  readonly ownId: string;
  /** Serial of the certificate this side showed, in lower-case hex; undefined without mutual TLS. */
  readonly ownSerial: string | undefined;
  /** SPIFFE ID that the other side proved; undefined without mutual TLS. */
  readonly peerId: string | undefined;
  readonly peerSerial: string | undefined;
}

/** What was negotiated in a TLS handshake. */
export interface TlsFacts {
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly tlsVersion: string | undefined;
  /** The cipher suite's standard name. */
  readonly cipher: string | undefined;
  /** The key exchange group, such as `X25519MLKEM768`; null where Node cannot tell: the server side. */
  readonly keyExchange: string | null;
  /** Whether an earlier session was resumed, by a ticket. Default false. */
  readonly resumed?: boolean;
}

/** A connection of an application, as it is now. */
export interface ConnectionRecord extends Ends, TlsFacts {
  /** One of its own in each sidecar; counts up from 1 where there is one worker. */
  readonly id: number;
  readonly transport: ConnectionTransport;
  readonly openedAtMs: number;
  readonly sni: string | undefined;
  /** Bytes from the source to the destination. */
  readonly bytesIn: number;
  /** Bytes from the destination back to the source. */
  readonly bytesOut: number;
  /** Who decided that it travels so: a DestinationRule, auto mTLS; outbound only. */
  readonly transportBy?: string | undefined;
  /** Why it was allowed, naming policy and rule; undefined when outbound: the other side decides. */
  readonly decision: string | undefined;
}

export type CloseReason =
  /** Both sides had ended. */
  | 'finished'
  /** One side broke off or failed. */
  | 'reset'
  /** What the policies say now no longer allows it. */
  | 'policy-changed'
  /** The certificate of one of the two ends was revoked. */
  | 'revoked'
  /** The peer's trust domain is believed no more. */
  | 'untrusted'
  | 'drain-deadline'
  /** Silent for longer than `connectionPool.tcp.idleTimeout` allows. */
  | 'idle'
  /** Older than `connectionPool.tcp.maxConnectionDuration` allows. */
  | 'too-old';

export interface ClosedConnection extends ConnectionRecord {
  readonly closedAtMs: number;
  readonly reason: CloseReason;
  /** More about the reason: the new decision, or the error. */
  readonly detail: string | undefined;
}

export type DenialReason =
  /** AuthorizationPolicy refuses it. */
  | 'authorization'
  /** Plaintext on a port where PeerAuthentication is STRICT. */
  | 'plaintext'
  /** TLS that is not the mesh's on a port that is declared to speak HTTP. */
  | 'unexpected-tls'
  /** The bound on open connections is reached. */
  | 'limit'
  /** An HBONE request for an address or port that is not served here, or that makes no sense. */
  | 'not-served'
  /** A port for captured connections was connected to directly, or by the proxy itself. */
  | 'not-captured'
  /** No service of the mesh, and the mesh's outboundTrafficPolicy is REGISTRY_ONLY. */
  | 'unknown-service'
  /** The other side's sidecar refused it; `decision` is what that one said. */
  | 'refused-by-peer';

export interface DeniedConnection extends Ends {
  readonly atMs: number;
  readonly reason: DenialReason;
  /** One line that names the policy and rule, or the bound. */
  readonly decision: string;
}

export interface FailedHandshake extends Ends, PresentedCertificate {
  /** The same in the records of both ends; see `handshakeId`. */
  readonly handshakeId: string;
  readonly atMs: number;
  /** The SPIFFE IDs one of which the server had to prove; empty when this side was the server. */
  readonly expectedIds: readonly string[];
  /** Which check it did not pass. */
  readonly verdict: HandshakeVerdict;
  /** Which certificate, which check, whose clock. */
  readonly reason: string;
  /** What to do about it, if more can be said. */
  readonly hint: string | undefined;
}

/** A certificate was used after its end, or none was, because a FallbackPolicy says so. */
export interface UsedFallback {
  readonly atMs: number;
  readonly direction: Direction;
  readonly mode: EffectiveFallback['mode'];
  /** `namespace/name` of the FallbackPolicy. */
  readonly policy: string;
  /** Whose certificate has run out: this workload's, or the other side's. */
  readonly whose: 'own' | 'peer';
  /** SPIFFE ID in it. */
  readonly id: string;
  /** When it ran out, in milliseconds since 1970. */
  readonly notAfterMs: number;
}

/** On a workload port clients wait for the server to speak first, or do so no more. */
export interface LearnedPort {
  readonly atMs: number;
  readonly port: number;
  readonly serverFirst: boolean;
}

/** The application, or the service asked for, was not reached. */
export interface FailedUpstream extends Ends {
  readonly atMs: number;
  readonly reason: string;
}

/** One HTTP request to the workload, on a port where requests are judged. */
export interface RequestRecord extends Ends {
  /** `x-request-id`, the caller's own where it sent one. */
  readonly requestId: string;
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';
  readonly method: string;
  /** As it was judged, without the query. */
  readonly path: string;
  readonly host: string;
  /** Of the answer; 0 where there was none. */
  readonly status: number;
  /** `unauthenticated`: a token was bad. */
  readonly verdict: 'allowed' | 'denied' | 'unauthenticated';
  /** One line that names policy and rule. */
  readonly decision: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Something that was no HTTP, or that two readers could understand differently, and was refused. */
export interface MalformedHttp extends Ends {
  readonly atMs: number;
  readonly side: 'request' | 'response';
  readonly reason: string;
  /** That the caller was answered with. */
  readonly status: number;
}

/** A mutual TLS session that carries HBONE streams. */
export interface SessionRecord extends Ends, TlsFacts {
  readonly openedAtMs: number;
}

export interface ClosedSession extends SessionRecord {
  readonly closedAtMs: number;
  readonly reason: string;
}

/** What the proxy reports. It calls these as things happen and does not wait. */
export interface ProxyEvents {
  connectionOpened(connection: ConnectionRecord): void;
  connectionClosed(connection: ClosedConnection): void;
  connectionDenied(connection: DeniedConnection): void;
  handshakeFailed(handshake: FailedHandshake): void;
  upstreamFailed(upstream: FailedUpstream): void;
  requestEnded(request: RequestRecord): void;
  httpMalformed(message: MalformedHttp): void;
  sessionOpened(session: SessionRecord): void;
  sessionClosed(session: ClosedSession): void;
  fallbackUsed(use: UsedFallback): void;
  portLearned(port: LearnedPort): void;
}
