import type { Deadlines } from '../../../src/proxy/deadlines.ts';
import type { HboneTransport } from '../../../src/proxy/hbone/hbone-transport.ts';
import { NodeHttp2ClientSession } from './node-http2-client-session.ts';
import { NodeHttp2ServerSession } from './node-http2-server-session.ts';

/** HBONE as Node's own HTTP/2 speaks it; `answers` bounds the wait for the answer to a stream. */
export function nodeHttp2Transport(maxStreams: number, answers: Deadlines): HboneTransport {
  return {
    connect: (socket) => NodeHttp2ClientSession.start(socket, maxStreams, answers),
    accept: (socket, onStream) => new NodeHttp2ServerSession(socket, maxStreams, onStream),
  };
}
