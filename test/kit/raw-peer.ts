import { FrameDecoder } from '../../src/proxy/hbone/frames/frame-decoder.ts';
import { PREFACE } from '../../src/proxy/hbone/frames/http2-codes.ts';
import { encodeFields } from '../../src/proxy/hbone/hpack/encode-fields.ts';
import { ConnectionEnd } from './connection-pair.ts';

/** A frame, byte for byte as asked for. */
export function rawFrame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array | string = '',
): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'hex') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, bytes]);
}

/** The header block of a CONNECT. */
export const CONNECT: Buffer = encodeFields([
  [':method', 'CONNECT'],
  [':authority', '10.0.0.1:80'],
]);

/** HEADERS that open a stream. */
export function opening(streamId: number, flags = 0x4): Buffer {
  return rawFrame(1, flags, streamId, CONNECT);
}

/** A server that is spoken to in raw frames, after a proper beginning unless said otherwise. */
export class RawPeer {
  readonly server: ConnectionEnd;
  /** What the server said: `rst 1 8`, `goaway 11`, `headers 1`, `window 0 5`, `ping-ack`. */
  readonly said: string[] = [];
  readonly #decoder: FrameDecoder;

  constructor({ begin = true, maxStreams = 100 } = {}) {
    this.server = new ConnectionEnd('server', maxStreams);
    this.#decoder = new FrameDecoder(2 ** 24, {
      dataBegins: (streamId, length, end) =>
        this.said.push(`data ${streamId} ${length}${end ? ' end' : ''}`),
      data: () => undefined,
      dataEnds: () => undefined,
      frame: (type, flags, streamId, payload) =>
        this.said.push(describeFrame(type, flags, streamId, payload)),
    });
    this.#read();
    this.said.length = 0;
    if (begin) this.send(PREFACE, rawFrame(4, 0, 0), rawFrame(4, 1, 0));
    this.said.length = 0;
  }

  /** Sends all at once and hears what is said to it. */
  send(...parts: readonly Uint8Array[]): void {
    this.server.receive(Buffer.concat(parts));
    this.#read();
  }

  #read(): void {
    for (; !this.server.quiet; this.server.sent()) {
      this.server.turn();
      this.#decoder.push(this.server.take());
    }
  }
}

function describeFrame(type: number, flags: number, streamId: number, payload: Buffer): string {
  switch (type) {
    case 1:
      return `headers ${streamId}${(flags & 1) === 0 ? '' : ' end'}`;
    case 3:
      return `rst ${streamId} ${payload.readUInt32BE(0)}`;
    case 4:
      return (flags & 1) === 0 ? 'settings' : 'settings-ack';
    case 6:
      return (flags & 1) === 0 ? 'ping' : 'ping-ack';
    case 7:
      return `goaway ${payload.readUInt32BE(4)}`;
    case 8:
      return `window ${streamId} ${payload.readUInt32BE(0)}`;
    default:
      return `frame ${type}`;
  }
}
