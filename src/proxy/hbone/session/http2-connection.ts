import { messageOf } from '../../../lib/errors.ts';
import type { FrameOutput } from '../frames/frame-output.ts';
import { ErrorCode, FrameType, MAX_WINDOW_BYTES } from '../frames/http2-codes.ts';
import { http2CodeOf, http2Error } from '../frames/http2-error.ts';
import { HpackDecoder } from '../hpack/hpack-decoder.ts';
import type { HeaderField } from '../hpack/static-table.ts';
import { ConnectionCredit } from './connection-credit.ts';
import type { ConnectionEvents, ConnectionOptions } from './connection-options.ts';
import { FloodGuard, type Nuisance } from './flood-guard.ts';
import { type FrameEvents, FrameReader } from './frame-reader.ts';
import { FrameSender } from './frame-sender.ts';
import { HboneStream, type StreamCarrier } from './hbone-stream.ts';
import type { HeaderBlock } from './header-block.ts';
import { MAX_HEADER_LIST_BYTES, STREAM_WINDOW_BYTES } from './own-settings.ts';
import { applySettings, initialPeerSettings, type PeerSettings } from './peer-settings.ts';
import { SendQueue } from './send-queue.ts';
import { StreamTable } from './stream-table.ts';

const NOTHING = new Uint8Array(0);

/**
 * One side of an HTTP/2 connection (RFC 9113) that carries CONNECT streams and nothing else. It has no
 * socket, clock or loop of its own: bytes come in by `receive` and go out by `output`.
 */
export class Http2Connection implements StreamCarrier, FrameEvents {
  readonly #role: 'client' | 'server';
  readonly #output: FrameOutput;
  readonly #events: ConnectionEvents;
  readonly #maxStreams: number;
  readonly #reader: FrameReader;
  readonly #hpack = new HpackDecoder(MAX_HEADER_LIST_BYTES);
  readonly #streams = new StreamTable();
  readonly #queue: SendQueue;
  readonly #credit: ConnectionCredit;
  readonly #guard: FloodGuard;
  readonly #sender: FrameSender;
  #peer: PeerSettings = initialPeerSettings;
  /** No stream above this one is served; undefined until we send GOAWAY. */
  #lastServed: number | undefined;
  #over = false;
  #lent = false;
  /** Of the DATA frame that is being read: its stream, its bytes that are no content so far, whether all are. */
  #receiving: HboneStream | undefined;
  #overhead = 0;
  #empty = true;
  #ends = false;

  constructor(options: ConnectionOptions) {
    this.#role = options.role;
    this.#output = options.output;
    this.#events = options.events;
    this.#maxStreams = options.maxStreams;
    this.#reader = new FrameReader(options.role, this);
    this.#queue = new SendQueue(options.output, options.schedule);
    this.#guard = new FloodGuard(options.nowMs);
    this.#sender = new FrameSender(options.output);
    this.#credit = new ConnectionCredit((increment) => {
      if (!this.#over) this.#sender.windowUpdate(0, increment);
    });
  }

  /** Streams that are open at one of both sides at least. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Sends what a connection begins with. */
  begin(): void {
    this.#sender.begin(this.#role, this.#maxStreams);
  }

  /** Bytes from the peer, `lent` or not. Never throws for what they are: `failed` is called then. */
  receive(chunk: Buffer, lent: boolean): void {
    if (this.#over) return;
    this.#lent = lent;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** For the output: bytes went out. */
  written(): void {
    this.#queue.serve();
  }

  /** Asks for a stream; undefined when the connection is over or has no identifiers left. */
  open(fields: readonly HeaderField[]): HboneStream | undefined {
    const id = this.#streams.nextId();
    if (id === undefined || this.#over) return undefined;
    const stream = this.#newStream(id);
    this.headers(stream, fields, false);
    return stream;
  }

  /** Sends header fields, the last of the stream or not. */
  headers(stream: HboneStream, fields: readonly HeaderField[], endStream: boolean): void {
    if (this.#streams.get(stream.id) !== stream) return;
    this.#sender.headers(stream.id, fields, endStream);
    if (!endStream) return;
    stream.endedByHeaders();
    this.#afterEnd(stream);
  }

  sendPing(): void {
    this.#sender.ping();
  }

  /** Tells the peer which stream was the last to be served. Streams above it are ignored from now on. */
  sendGoaway(code: number = ErrorCode.noError, debug = ''): void {
    this.#lastServed ??= this.#role === 'server' ? this.#streams.lastId : 0;
    this.#sender.goaway(this.#lastServed, code, debug);
  }

  /** @throws {MeshError} ERR_WIRE when there was too much of it; for use while bytes are received. */
  count(nuisance: Nuisance): void {
    this.#guard.count(nuisance);
  }

  /** Ends all streams as lost; nothing goes on here afterwards. */
  lose(reason: string): void {
    this.#over = true;
    for (const stream of this.#streams.all()) this.#abort(stream, ErrorCode.cancel, reason);
  }

  /** Cuts a stream for what the peer did with it. Too many of those end the connection. */
  refuseStream(stream: HboneStream, code: number, reason: string): void {
    this.#sender.rst(stream.id, code);
    this.#streams.removeReset(stream);
    this.#forget(stream, code, reason);
    this.#guard.count('reset');
  }

  // What streams need.

  send(stream: HboneStream, chunk: Uint8Array, maxBytes: number): number {
    return this.#queue.send(stream, chunk, maxBytes);
  }

  sendEnd(stream: HboneStream): void {
    this.#output.endStream(stream.id);
    this.#afterEnd(stream);
  }

  hasRoomAfter(bytes: number): boolean {
    return this.#queue.hasRoomAfter(bytes);
  }

  wait(stream: HboneStream): void {
    this.#queue.wait(stream);
  }

  sendWindowUpdate(stream: HboneStream, increment: number): void {
    this.#sender.windowUpdate(stream.id, increment);
  }

  unread(change: number): void {
    this.#credit.unread(change);
  }

  cut(stream: HboneStream, code: number = ErrorCode.connectError): void {
    if (this.#over || this.#streams.get(stream.id) !== stream) return;
    this.#sender.rst(stream.id, code);
    this.#streams.removeReset(stream);
    this.#queue.forget(stream);
    if (this.#streams.size === 0) this.#events.idle();
  }

  whenSent(call: () => void): void {
    this.#output.whenSent(call);
  }

  // Frames.

  dataBegins(streamId: number, length: number, endStream: boolean): void {
    if (!this.#credit.take(length)) {
      throw http2Error(ErrorCode.flowControlError, 'more DATA than the connection has room for');
    }
    this.#receiving = this.#receiver(streamId, length);
    this.#overhead = length;
    this.#empty = true;
    this.#ends = endStream;
  }

  data(chunk: Buffer): void {
    this.#overhead -= chunk.length;
    this.#empty = false;
    this.#receiving?.receive(chunk, this.#lent);
  }

  dataEnds(): void {
    const stream = this.#receiving;
    this.#receiving = undefined;
    if (this.#empty && !this.#ends) this.#guard.count('empty-data');
    if (stream === undefined || stream.gone) return;
    if (this.#overhead > 0) stream.credit(this.#overhead);
    if (this.#ends) this.#endOf(stream);
  }

  block(block: HeaderBlock): void {
    // Also of streams that are ignored: the table is that of the connection.
    const fields = this.#hpack.decode(block.bytes);
    const known = this.#streams.get(block.streamId);
    if (known !== undefined && (this.#role === 'server' || known.answered)) {
      const code = known.remoteEnded ? ErrorCode.streamClosed : ErrorCode.protocolError;
      this.refuseStream(known, code, 'HEADERS on a connected stream');
      return;
    }
    const stream = known ?? this.#asked(block);
    if (stream === undefined) return;
    if (block.endStream) this.#endOf(stream);
    this.#events.headers(stream, fields);
  }

  reset(streamId: number, code: number): void {
    this.#guard.count('reset');
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) this.#abort(stream, code, `stream reset with HTTP/2 code ${code}`);
    else if (this.#streams.kindOf(streamId) === 'idle') this.#onUnknown('RST_STREAM', streamId);
  }

  windowUpdate(streamId: number, increment: number): void {
    if (streamId === 0) this.#growConnection(increment);
    else this.#growStream(streamId, increment);
    this.#queue.serve();
  }

  settings(payload: Buffer): void {
    this.#guard.count('settings');
    const before = this.#peer;
    const after = applySettings(before, payload);
    this.#peer = after;
    this.#queue.peerFrameBytes = after.frameBytes;
    if (after.headerTableBytes < before.headerTableBytes) this.#sender.emptyTable();
    for (const stream of this.#streams.all()) {
      if (this.#grow(stream, after.windowBytes - before.windowBytes)) continue;
      throw http2Error(ErrorCode.flowControlError, 'an initial window that makes one too large');
    }
    this.#sender.acknowledge(FrameType.settings, NOTHING);
    this.#events.settings(after);
    this.#queue.serve();
  }

  ping(payload: Buffer): void {
    this.#guard.count('ping');
    this.#sender.acknowledge(FrameType.ping, payload);
  }

  pong(): void {
    this.#events.pong();
  }

  goaway({ lastId, code }: { readonly lastId: number; readonly code: number }): void {
    this.#events.goaway(code);
    if (this.#role === 'server') return;
    for (const stream of this.#streams.all()) {
      if (stream.id <= lastId) continue;
      this.#abort(stream, ErrorCode.refusedStream, 'the peer did not get to it');
    }
    if (this.#streams.size === 0) this.#events.idle();
  }

  ignored(): void {
    this.#guard.count('ignored');
  }

  /** The stream that DATA is for; undefined when it is to be thrown away. */
  #receiver(streamId: number, length: number): HboneStream | undefined {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#onUnknown('DATA', streamId);
      return undefined;
    }
    const fault = faultOfData(stream, length, this.#role);
    if (fault === undefined) return stream;
    this.refuseStream(stream, fault, `DATA that may not be (HTTP/2 code ${fault})`);
    return undefined;
  }

  /** DATA for a stream that is not open: a connection error, a stream error, or our own doing. */
  #onUnknown(frame: string, streamId: number): void {
    switch (this.#streams.kindOf(streamId)) {
      case 'idle':
        throw http2Error(ErrorCode.protocolError, `${frame} for stream ${streamId}, which is idle`);
      case 'closed':
        this.#sender.rst(streamId, ErrorCode.streamClosed);
        this.#guard.count('reset');
        return;
      default:
    }
  }

  /** The new stream that a block asks for; undefined when it is refused or ignored. */
  #asked(block: HeaderBlock): HboneStream | undefined {
    const { streamId } = block;
    const kind = this.#streams.kindOf(streamId);
    if (kind === 'reset') return undefined;
    if (this.#role === 'client' || streamId % 2 === 0 || kind === 'closed') {
      const code = kind === 'closed' ? ErrorCode.streamClosed : ErrorCode.protocolError;
      throw http2Error(code, `HEADERS for stream ${streamId}, which is ${kind}`);
    }
    if (this.#lastServed !== undefined) {
      this.#streams.skip(streamId);
      return undefined;
    }
    const stream = this.#newStream(streamId);
    if (block.dependsOn === streamId) {
      this.refuseStream(stream, ErrorCode.protocolError, 'it depends on itself');
    } else if (this.#streams.size > this.#maxStreams) {
      this.refuseStream(stream, ErrorCode.refusedStream, 'too many streams');
    } else {
      return stream;
    }
    return undefined;
  }

  #newStream(id: number): HboneStream {
    const send = this.#peer.windowBytes;
    const stream = new HboneStream(id, { send, receive: STREAM_WINDOW_BYTES }, this);
    this.#streams.add(stream);
    return stream;
  }

  #growConnection(increment: number): void {
    if (increment === 0) throw http2Error(ErrorCode.protocolError, 'WINDOW_UPDATE by nothing');
    if (this.#queue.grow(increment)) return;
    throw http2Error(ErrorCode.flowControlError, 'a window larger than windows can be');
  }

  #growStream(streamId: number, increment: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (this.#streams.kindOf(streamId) === 'idle') this.#onUnknown('WINDOW_UPDATE', streamId);
    } else if (increment === 0) {
      this.refuseStream(stream, ErrorCode.protocolError, 'WINDOW_UPDATE by nothing');
    } else if (!this.#grow(stream, increment)) {
      this.refuseStream(stream, ErrorCode.flowControlError, 'a window too large');
    }
  }

  /** False: more than a window can be. */
  #grow(stream: HboneStream, increment: number): boolean {
    stream.sendWindow += increment;
    if (stream.sendWindow > 0 && stream.hasWaiting) this.#queue.wait(stream);
    return stream.sendWindow <= MAX_WINDOW_BYTES;
  }

  #endOf(stream: HboneStream): void {
    stream.receiveEnd();
    this.#afterEnd(stream);
  }

  /** Forgets a stream of which both directions have ended; what was not read of it yet stays there. */
  #afterEnd(stream: HboneStream): void {
    if (!(stream.remoteEnded && stream.localEnded)) return;
    this.#streams.remove(stream);
    if (this.#streams.size === 0) this.#events.idle();
  }

  #abort(stream: HboneStream, code: number, reason: string): void {
    this.#streams.remove(stream);
    this.#forget(stream, code, reason);
  }

  #forget(stream: HboneStream, code: number, reason: string): void {
    this.#queue.forget(stream);
    stream.abort(new Error(reason));
    this.#events.aborted(stream, code);
    if (this.#streams.size === 0) this.#events.idle();
  }

  #fail(error: unknown): void {
    const reason = messageOf(error);
    this.sendGoaway(http2CodeOf(error), reason);
    this.lose(reason);
    this.#events.failed(reason);
  }
}

/** What is wrong with DATA of that length for this stream, as an HTTP/2 code. */
function faultOfData(
  stream: HboneStream,
  length: number,
  role: 'client' | 'server',
): number | undefined {
  if (stream.remoteEnded) return ErrorCode.streamClosed;
  if (role === 'client' && !stream.answered) return ErrorCode.protocolError;
  return stream.receiveWindow.take(length) ? undefined : ErrorCode.flowControlError;
}
