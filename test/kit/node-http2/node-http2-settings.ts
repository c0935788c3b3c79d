import type { ServerSessionOptions, SessionOptions } from 'node:http2';

/** Bytes of one stream that may be on the way unread. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const MAX_FRAME_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;

/** Bytes of a whole session that may be on the way unread. */
export const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;

/**
 * Options that both sides of an HBONE session use. `maxSessionMemory` (in MB) only has to be above
 * what the streams' own back pressure lets pile up; Node's 10 MB would fail streams before that.
 */
export function http2Options(maxStreams: number): SessionOptions {
  return {
    settings: {
      enablePush: false,
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxFrameSize: MAX_FRAME_BYTES,
      maxHeaderListSize: MAX_HEADER_BYTES,
      maxConcurrentStreams: maxStreams,
    },
    maxSessionMemory: 256,
    maxSendHeaderBlockLength: MAX_HEADER_BYTES,
  };
}

/**
 * How many streams a peer may reset: resets are ordinary here (an application that breaks off) and
 * exceeding the bound ends everybody's streams, so it lies above Node's 1,000 and 33 a second.
 */
export const resetBounds: ServerSessionOptions = {
  streamResetBurst: 10_000,
  streamResetRate: 2_000,
};
