import { constants, type Http2Stream } from 'node:http2';
import type { Channel } from '../../../src/proxy/bytes/channel.ts';
import { DuplexChannel } from '../../../src/proxy/bytes/duplex-channel.ts';

/** A Channel over an open CONNECT stream; cutting it resets the stream. */
export function http2Channel(stream: Http2Stream): Channel {
  return new DuplexChannel(stream, {
    // Not `close(NGHTTP2_CONNECT_ERROR)`, which RFC 9113 8.5 asks for: Node ends the stream in order
    // first, and the other side would take what came so far for all of it.
    reset: (open) => open.destroy(new Error('cut by this proxy')),
    failure: ({ rstCode }) =>
      rstCode === undefined || rstCode === constants.NGHTTP2_NO_ERROR
        ? undefined
        : new Error(`stream reset with HTTP/2 code ${rstCode}`),
  });
}
