import type { Deadlines } from '../deadlines.ts';
import { FramedClientSession } from './framed-client-session.ts';
import { FramedServerSession } from './framed-server-session.ts';
import type { HboneTransport } from './hbone-transport.ts';
import { slabsForSessions } from './session/tls-link.ts';

/**
 * HBONE on our own HTTP/2 framing: at most `maxStreams` open at a time in a session. `deadlines`
 * bounds the wait for the answer to a stream, and for the end of a session; `silence` how long a peer that is
 * asked for a stream may send nothing at all.
 */
export function framedTransport(
  maxStreams: number,
  deadlines: Deadlines,
  silence: Deadlines = deadlines,
): HboneTransport {
  const options = { maxStreams, deadlines, silence, slabs: slabsForSessions() };
  return {
    connect: (socket, reads) =>
      FramedClientSession.start(socket, reads === undefined ? options : { ...options, reads }),
    accept: (socket, onStream) => new FramedServerSession(socket, options, onStream),
  };
}
