import type { FrameOutput } from '../frames/frame-output.ts';
import type { DecodedFields } from '../hpack/hpack-decoder.ts';
import type { HboneStream } from './hbone-stream.ts';
import type { PeerSettings } from './peer-settings.ts';

/** Told what happens on a connection. */
export interface ConnectionEvents {
  /** What the peer has set is in force. */
  settings(settings: PeerSettings): void;
  /** A new stream that the peer asks for, or the answer to one of ours. */
  headers(stream: HboneStream, fields: DecodedFields): void;
  /** A stream ended before its time; not told of those that we have cut. */
  aborted(stream: HboneStream, code: number): void;
  /** The peer wants no more streams. */
  goaway(code: number): void;
  pong(): void;
  /** The last stream is over. */
  idle(): void;
  /** The peer broke the protocol: it was told, and nothing goes on here. */
  failed(reason: string): void;
}

export interface ConnectionOptions {
  readonly role: 'client' | 'server';
  readonly output: FrameOutput;
  /** Streams that the peer may have open at a time. */
  readonly maxStreams: number;
  readonly nowMs: () => number;
  readonly schedule: (call: () => void) => void;
  readonly events: ConnectionEvents;
}
