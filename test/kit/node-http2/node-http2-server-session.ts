import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Channel } from '../../../src/proxy/bytes/channel.ts';
import {
  DENIED_BY_HEADER,
  type HboneServerSession,
  type IncomingStream,
} from '../../../src/proxy/hbone/hbone-transport.ts';
import { printable } from '../../../src/proxy/hbone/printable.ts';
import { SessionProbe } from '../../../src/proxy/hbone/session/session-probe.ts';
import { http2Channel } from './node-http2-channel.ts';
import { CONNECTION_WINDOW_BYTES, http2Options, resetBounds } from './node-http2-settings.ts';

const METHOD_NOT_ALLOWED = 405;

/** The serving side of HBONE on node:http2. */
export class NodeHttp2ServerSession implements HboneServerSession {
  readonly #session: ServerHttp2Session;
  readonly closed: Promise<string>;
  readonly #probe = new SessionProbe(30);
  #streams = 0;
  #reason: string | undefined;
  #begun = false;

  constructor(socket: TLSSocket, maxStreams: number, onStream: (stream: IncomingStream) => void) {
    const session = performServerHandshake(socket, { ...http2Options(maxStreams), ...resetBounds });
    this.#session = session;
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    session.once('remoteSettings', () => {
      this.#begun = true;
    });
    session.on('error', (error) => {
      this.#reason ??= error.message;
    });
    session.on('stream', (stream, headers) => {
      this.#streams += 1;
      stream.once('close', () => {
        this.#streams -= 1;
      });
      const incoming = new Http2IncomingStream(stream, headers);
      if (headers[':method'] === 'CONNECT') onStream(incoming);
      else incoming.refuse(METHOD_NOT_ALLOWED);
    });
    this.closed = new Promise((resolve) => {
      session.once('close', () => resolve(this.#reason ?? 'the connection ended'));
    });
  }

  get begun(): boolean {
    return this.#begun;
  }

  drain(): void {
    this.#reason ??= 'drained';
    this.#session.close();
  }

  probe(): void {
    switch (this.#probe.next(this.#streams)) {
      case 'dead':
        this.destroy('the peer answers no ping');
        return;
      case 'drain':
        this.#reason ??= 'idle';
        this.drain();
        return;
      case 'ping':
        this.#session.ping(() => this.#probe.answered());
        return;
      case 'nothing':
    }
  }

  destroy(reason = 'cut by this proxy'): void {
    // With an error code, or the streams would end as if in order.
    this.#session.destroy(new Error(reason), constants.NGHTTP2_CANCEL);
  }
}

class Http2IncomingStream implements IncomingStream {
  readonly authority: string;
  readonly #stream: ServerHttp2Stream;
  readonly #channel: Channel;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.authority = headers[':authority'] ?? '';
    this.#stream = stream;
    this.#channel = http2Channel(stream);
  }

  get gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  accept(): Channel {
    this.#stream.respond({ ':status': constants.HTTP_STATUS_OK });
    return this.#channel;
  }

  refuse(status: number, deniedBy?: string): void {
    if (this.gone) return;
    const headers = { ':status': status };
    this.#stream.respond(
      deniedBy === undefined ? headers : { ...headers, [DENIED_BY_HEADER]: printable(deniedBy) },
      { endStream: true },
    );
    // The client ends its side when it has read this; a reset from here could overtake the answer.
    this.#stream.resume();
  }
}
