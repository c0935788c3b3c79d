import type { TLSSocket } from 'node:tls';
import type { Channel } from '../bytes/channel.ts';
import { ErrorCode } from './frames/http2-codes.ts';
import {
  DENIED_BY_HEADER,
  type HboneServerSession,
  type IncomingStream,
} from './hbone-transport.ts';
import type { DecodedFields } from './hpack/hpack-decoder.ts';
import { printable } from './printable.ts';
import { readRequest } from './session/connect-headers.ts';
import type { HboneStream } from './session/hbone-stream.ts';
import type { Http2Connection } from './session/http2-connection.ts';
import { probeSession } from './session/probe-session.ts';
import { SessionProbe } from './session/session-probe.ts';
import { type LinkOptions, PEER_SILENT, TlsLink } from './session/tls-link.ts';

/** Twice as long as our own clients keep one: it is theirs to leave. */
const MAX_IDLE_PROBES = 30;
const METHOD_NOT_ALLOWED = 405;
const FIELDS_TOO_LARGE = 431;

/** The serving side of HBONE on our own framing. */
export class FramedServerSession implements HboneServerSession {
  readonly closed: Promise<string>;
  readonly #link: TlsLink;
  readonly #onStream: (stream: IncomingStream) => void;
  readonly #probe = new SessionProbe(MAX_IDLE_PROBES);
  #draining = false;
  #begun = false;

  constructor(socket: TLSSocket, options: LinkOptions, onStream: (stream: IncomingStream) => void) {
    this.#onStream = onStream;
    this.#link = new TlsLink(socket, 'server', {
      ...options,
      events: {
        settings: () => {
          this.#begun = true;
        },
        headers: (stream, fields) => this.#onRequest(stream, fields),
        aborted: () => undefined,
        goaway: (code) => this.#onGoaway(code),
        pong: () => this.#probe.answered(),
        idle: () => this.#endIfDrained(),
      },
    });
    this.closed = this.#link.closed;
  }

  get begun(): boolean {
    return this.#begun;
  }

  drain(): void {
    this.#link.because('drained');
    if (!this.#draining) this.#link.connection.sendGoaway();
    this.#draining = true;
    this.#endIfDrained();
  }

  probe(): void {
    probeSession(this.#probe, this.#link.connection, {
      dead: () => this.destroy(PEER_SILENT),
      drain: () => {
        this.#link.because('idle');
        this.drain();
      },
    });
  }

  destroy(reason = 'cut by this proxy'): void {
    this.#draining = true;
    this.#link.destroy(reason);
  }

  #endIfDrained(): void {
    if (this.#draining && this.#link.connection.streams === 0) this.#link.end('drained');
  }

  #onGoaway(code: number): void {
    this.#link.because(`the peer ended the session with HTTP/2 code ${code}`);
    this.#draining = true;
    this.#endIfDrained();
  }

  #onRequest(stream: HboneStream, decoded: DecodedFields): void {
    const { connection } = this.#link;
    if ('tooLarge' in decoded) {
      answerNo(connection, stream, FIELDS_TOO_LARGE);
      return;
    }
    const request = readRequest(decoded.fields);
    switch (request.kind) {
      case 'connect':
        this.#onStream(new FramedIncomingStream(connection, stream, request.authority));
        return;
      case 'other-method':
        answerNo(connection, stream, METHOD_NOT_ALLOWED);
        return;
      case 'malformed':
        connection.refuseStream(stream, ErrorCode.protocolError, request.why);
    }
  }
}

class FramedIncomingStream implements IncomingStream {
  readonly authority: string;
  readonly #connection: Http2Connection;
  readonly #stream: HboneStream;

  constructor(connection: Http2Connection, stream: HboneStream, authority: string) {
    this.authority = authority;
    this.#connection = connection;
    this.#stream = stream;
  }

  get gone(): boolean {
    return this.#stream.gone;
  }

  accept(): Channel {
    this.#stream.answered = true;
    this.#connection.headers(this.#stream, [[':status', '200']], false);
    return this.#stream;
  }

  refuse(status: number, deniedBy?: string): void {
    if (!this.gone) answerNo(this.#connection, this.#stream, status, deniedBy);
  }
}

/** The client ends its side when it has read this; a reset from here could overtake the answer. */
function answerNo(
  connection: Http2Connection,
  stream: HboneStream,
  status: number,
  deniedBy?: string,
): void {
  stream.answered = true;
  connection.headers(
    stream,
    [
      [':status', String(status)],
      ...(deniedBy === undefined ? [] : [[DENIED_BY_HEADER, printable(deniedBy)] as const]),
    ],
    true,
  );
  stream.discard();
}
