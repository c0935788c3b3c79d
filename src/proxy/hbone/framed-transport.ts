import type { Deadlines } from '../deadlines.ts';
import { FramedClientSession } from './framed-client-session.ts';
import { FramedServerSession } from './framed-server-session.ts';
import type { HboneTransport } from './hbone-transport.ts';
import { slabsForSessions } from './session/tls-link.ts';

/**
 * HBONE on our own HTTP/2 framing: at most `maxStreams` open at a time in a session. `deadlines`
 * bounds the wait for the answer to a stream, and for the end of a session.
 */
export function framedTransport(maxStreams: number, deadlines: Deadlines): HboneTransport {
  const options = { maxStreams, deadlines, slabs: slabsForSessions() };
  return {
    connect: (socket, reads) =>
      FramedClientSession.start(socket, reads === undefined ? options : { ...options, reads }),
    accept: (socket, onStream) => new FramedServerSession(socket, options, onStream),
  };
}
