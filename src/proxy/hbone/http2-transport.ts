import type { Deadlines } from '../deadlines.ts';
import type { HboneTransport } from './hbone-transport.ts';
import { Http2ClientSession } from './http2-client-session.ts';
import { Http2ServerSession } from './http2-server-session.ts';

/** HBONE as Node's own HTTP/2 speaks it; `answers` bounds the wait for the answer to a stream. */
export function http2Transport(maxStreams: number, answers: Deadlines): HboneTransport {
  return {
    connect: (socket) => Http2ClientSession.start(socket, maxStreams, answers),
    accept: (socket, onStream) => new Http2ServerSession(socket, maxStreams, onStream),
  };
}
