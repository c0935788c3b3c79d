import type { TLSSocket } from 'node:tls';
import type { Channel } from '../bytes/channel.ts';
import type { LentReads } from '../bytes/lent-reads.ts';

/** What became of a request to open a stream. */
export type OpenOutcome =
  | { readonly outcome: 'opened'; readonly channel: Channel }
  /** The peer answered no: an HTTP status and, for 403, who refused. */
  | { readonly outcome: 'refused'; readonly status: number; readonly deniedBy: string | undefined }
  /** The peer has certainly not acted on it (it drains, or has too many); ask another session. */
  | { readonly outcome: 'unprocessed' }
  | { readonly outcome: 'failed'; readonly reason: string };

/** The calling side of an HBONE session: HTTP/2 CONNECT streams over one mutual TLS connection. */
export interface HboneClientSession {
  /** How many more streams may be opened now; 0 for good once the session drains. */
  readonly available: number;
  /** Open streams, those still being asked for included. */
  readonly streams: number;
  /** Asks the peer for a connection to `authority` (`host:port`). Never rejects. */
  open(authority: string): Promise<OpenOutcome>;
  /**
   * To be called at intervals. Ends the session when the peer has not answered since the call before
   * this, or when there was no stream at 15 calls in a row.
   */
  probe(): void;
  /** No new streams; closes when the open ones have ended. */
  drain(): void;
  destroy(reason: string): void;
  /** Resolves with the reason when the session is gone. */
  readonly closed: Promise<string>;
}

/** A stream that a peer asks for. Answer it once. */
export interface IncomingStream {
  readonly authority: string;
  /** Whether the peer has given up meanwhile. */
  readonly gone: boolean;
  /** Answers 200; bytes that the peer sent early are in the channel. */
  accept(): Channel;
  /** Answers a status of 400 or above; `deniedBy` is made printable and cut to 512 characters. */
  refuse(status: number, deniedBy?: string): void;
}

/** The serving side of an HBONE session. */
export interface HboneServerSession {
  /** Whether the peer has begun to speak HTTP/2, so has accepted our certificate. */
  readonly begun: boolean;
  /** Tells the peer to open no more streams here; closes when the open ones have ended. */
  drain(): void;
  /**
   * To be called at intervals. Ends the session when the peer has not answered since the call before
   * this, or when there was no stream at 30 calls in a row.
   */
  probe(): void;
  destroy(reason?: string): void;
  /** Resolves with the reason when the session is gone. */
  readonly closed: Promise<string>;
}

/** A way to put HBONE on a mutual TLS connection whose peer has been verified. */
export interface HboneTransport {
  /**
   * Resolves once the peer speaks HTTP/2 with us, so has accepted our certificate. `reads` is what the
   * socket was made with, if it does not read by itself.
   *
   * @throws {MeshError} ERR_UNREACHABLE
   */
  connect(socket: TLSSocket, reads?: LentReads): Promise<HboneClientSession>;
  accept(socket: TLSSocket, onStream: (stream: IncomingStream) => void): HboneServerSession;
}

/** The header in which a refusing peer names the policy and rule. */
export const DENIED_BY_HEADER = 'x-hauberk-denied-by';
