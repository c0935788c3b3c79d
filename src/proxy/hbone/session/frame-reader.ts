import {
  checkPing,
  checkSettingsAck,
  checkStreamId,
  readGoaway,
  readPriority,
  readReset,
  readWindowUpdate,
} from '../frames/control-frames.ts';
import { FrameDecoder, type FrameHandlers } from '../frames/frame-decoder.ts';
import { ErrorCode, Flag, FrameType } from '../frames/http2-codes.ts';
import { http2Error } from '../frames/http2-error.ts';
import { PrefaceReader } from '../frames/preface-reader.ts';
import { type HeaderBlock, HeaderBlocks } from './header-block.ts';
import { MAX_FRAME_BYTES } from './own-settings.ts';

/** Told of frames whose form is right; all may throw to end the connection. */
export interface FrameEvents {
  /** DATA for a stream begins, of `length` bytes with its padding. */
  dataBegins(streamId: number, length: number, endStream: boolean): void;
  data(chunk: Buffer): void;
  dataEnds(): void;
  block(block: HeaderBlock): void;
  reset(streamId: number, code: number): void;
  /** `streamId` 0: of the connection. */
  windowUpdate(streamId: number, increment: number): void;
  /** The payload of SETTINGS that is no acknowledgement. */
  settings(payload: Buffer): void;
  /** Our own SETTINGS were taken. */
  settingsTaken?(): void;
  ping(payload: Buffer): void;
  pong(): void;
  goaway(goaway: { readonly lastId: number; readonly code: number }): void;
  /** PRIORITY, or a frame of no known type: nothing is done for it. */
  ignored(): void;
}

/** Reads the frames of a connection and checks their form and order (RFC 9113, 3.4, 4 and 6). */
export class FrameReader implements FrameHandlers {
  readonly #events: FrameEvents;
  readonly #preface: PrefaceReader | undefined;
  readonly #decoder = new FrameDecoder(MAX_FRAME_BYTES, this);
  readonly #blocks = new HeaderBlocks();
  #begun = false;

  constructor(role: 'client' | 'server', events: FrameEvents) {
    this.#events = events;
    this.#preface = role === 'server' ? new PrefaceReader() : undefined;
  }

  /** @throws {MeshError} ERR_WIRE with the HTTP/2 code to end the connection with. */
  push(chunk: Buffer): void {
    this.#decoder.push(this.#preface === undefined ? chunk : this.#preface.take(chunk));
  }

  dataBegins(streamId: number, length: number, endStream: boolean): void {
    this.#checkOrder(FrameType.data, streamId);
    checkStreamId('DATA', streamId, 'stream');
    this.#events.dataBegins(streamId, length, endStream);
  }

  data(chunk: Buffer): void {
    this.#events.data(chunk);
  }

  dataEnds(): void {
    this.#events.dataEnds();
  }

  frame(type: number, flags: number, streamId: number, payload: Buffer): void {
    this.#checkOrder(type, streamId, flags);
    switch (type) {
      case FrameType.headers:
        checkStreamId('HEADERS', streamId, 'stream');
        this.#block(this.#blocks.headers(flags, streamId, payload));
        break;
      case FrameType.continuation:
        this.#block(this.#blocks.continuation(flags, streamId, payload));
        break;
      case FrameType.rstStream:
        checkStreamId('RST_STREAM', streamId, 'stream');
        this.#events.reset(streamId, readReset(payload));
        break;
      case FrameType.windowUpdate:
        this.#events.windowUpdate(streamId, readWindowUpdate(payload));
        break;
      case FrameType.pushPromise:
        throw http2Error(ErrorCode.protocolError, 'PUSH_PROMISE, which nobody may send here');
      case FrameType.priority:
        this.#priority(streamId, payload);
        break;
      default:
        this.#connectionFrame(type, flags, streamId, payload);
    }
  }

  #connectionFrame(type: number, flags: number, streamId: number, payload: Buffer): void {
    const isAck = (flags & Flag.ack) !== 0;
    switch (type) {
      case FrameType.settings:
        checkStreamId('SETTINGS', streamId, 'connection');
        if (isAck) {
          checkSettingsAck(payload);
          this.#events.settingsTaken?.();
        } else this.#events.settings(payload);
        break;
      case FrameType.ping:
        checkStreamId('PING', streamId, 'connection');
        checkPing(payload);
        if (isAck) this.#events.pong();
        else this.#events.ping(payload);
        break;
      case FrameType.goaway:
        checkStreamId('GOAWAY', streamId, 'connection');
        this.#events.goaway(readGoaway(payload));
        break;
      default:
        this.#events.ignored();
    }
  }

  /** SETTINGS come first, and a header block is not interrupted. */
  #checkOrder(type: number, streamId: number, flags: number = Flag.none): void {
    if (!this.#begun) {
      this.#begun = type === FrameType.settings && (flags & Flag.ack) === 0;
      if (!this.#begun) {
        throw http2Error(ErrorCode.protocolError, 'the first frame is not SETTINGS');
      }
    }
    const open = this.#blocks.streamId;
    if (open === undefined || (type === FrameType.continuation && open === streamId)) return;
    throw http2Error(ErrorCode.protocolError, 'a frame within a header block');
  }

  #block(block: HeaderBlock | undefined): void {
    if (block !== undefined) this.#events.block(block);
  }

  #priority(streamId: number, payload: Buffer): void {
    checkStreamId('PRIORITY', streamId, 'stream');
    if (readPriority(payload) === streamId) {
      throw http2Error(ErrorCode.protocolError, `stream ${streamId} depends on itself`);
    }
    this.#events.ignored();
  }
}
