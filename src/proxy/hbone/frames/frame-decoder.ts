import { ErrorCode, Flag, FRAME_HEAD_BYTES, FrameType } from './http2-codes.ts';
import { http2Error } from './http2-error.ts';

/** Told of frames in the order in which they came; what these throw comes out of `push`. */
export interface FrameHandlers {
  /** A DATA frame begins, of `length` bytes in all: padding counts for flow control. */
  dataBegins(streamId: number, length: number, endStream: boolean): void;
  /** Part of its content, as it arrives. A view of what was pushed. */
  data(chunk: Buffer): void;
  dataEnds(): void;
  /** Any other frame, whole. The payload is valid during the call only. */
  frame(type: number, flags: number, streamId: number, payload: Buffer): void;
}

type Phase = 'head' | 'pad-length' | 'content' | 'padding' | 'payload';

const EMPTY = Buffer.alloc(0);
const STREAM_ID_MASK = 0x7fff_ffff;

/**
 * Reads frames (RFC 9113, 4.1) from chunks cut anywhere. DATA is handed on as it arrives and never
 * put together; other frames are, of at most `maxFrameBytes`.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #handlers: FrameHandlers;
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES);
  #headBytes = 0;
  #phase: Phase = 'head';
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** Bytes of the present phase that are still to come. */
  #missing = 0;
  #paddingBytes = 0;
  #payload: Buffer = EMPTY;
  #payloadBytes = 0;

  constructor(maxFrameBytes: number, handlers: FrameHandlers) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#handlers = handlers;
  }

  /** @throws {MeshError} ERR_WIRE with the HTTP/2 code to end the connection with. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#phase) {
      case 'head':
        return this.#readHead(chunk, at);
      case 'pad-length':
        this.#takePadLength(chunk[at] ?? 0);
        return at + 1;
      case 'content':
        return this.#readContent(chunk, at);
      case 'padding':
        return this.#skipPadding(chunk, at);
      case 'payload':
        return this.#readPayload(chunk, at);
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    if (this.#headBytes === 0 && chunk.length - at >= FRAME_HEAD_BYTES) {
      this.#begin(chunk, at);
      return at + FRAME_HEAD_BYTES;
    }
    const end = Math.min(chunk.length, at + FRAME_HEAD_BYTES - this.#headBytes);
    chunk.copy(this.#head, this.#headBytes, at, end);
    this.#headBytes += end - at;
    if (this.#headBytes === FRAME_HEAD_BYTES) {
      this.#headBytes = 0;
      this.#begin(this.#head, 0);
    }
    return end;
  }

  #begin(bytes: Buffer, at: number): void {
    const length = bytes.readUIntBE(at, 3);
    this.#type = bytes[at + 3] ?? 0;
    this.#flags = bytes[at + 4] ?? 0;
    this.#streamId = bytes.readUInt32BE(at + 5) & STREAM_ID_MASK;
    if (length > this.#maxFrameBytes) {
      const bound = `the bound is ${this.#maxFrameBytes}`;
      throw http2Error(ErrorCode.frameSizeError, `a frame of ${length} bytes; ${bound}`);
    }
    this.#missing = length;
    if (this.#type === FrameType.data) this.#beginData(length);
    else if (length === 0) this.#handlers.frame(this.#type, this.#flags, this.#streamId, EMPTY);
    else this.#phase = 'payload';
  }

  #beginData(length: number): void {
    const endStream = (this.#flags & Flag.endStream) !== 0;
    this.#handlers.dataBegins(this.#streamId, length, endStream);
    this.#paddingBytes = 0;
    if ((this.#flags & Flag.padded) === 0) this.#expect('content', length);
    else if (length > 0) this.#phase = 'pad-length';
    else throw http2Error(ErrorCode.frameSizeError, 'a padded DATA frame without its pad length');
  }

  #takePadLength(padding: number): void {
    const content = this.#missing - 1 - padding;
    if (content < 0) {
      const reason = `${padding} bytes of padding in a DATA frame of ${this.#missing}`;
      throw http2Error(ErrorCode.protocolError, reason);
    }
    this.#paddingBytes = padding;
    this.#expect('content', content);
  }

  /** Goes over to the next phase of a DATA frame that has any bytes, or ends the frame. */
  #expect(phase: 'content' | 'padding', bytes: number): void {
    this.#missing = bytes;
    this.#phase = phase;
    if (bytes > 0) return;
    if (phase === 'content') {
      this.#expect('padding', this.#paddingBytes);
      return;
    }
    this.#phase = 'head';
    this.#handlers.dataEnds();
  }

  #readContent(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing);
    this.#missing -= end - at;
    this.#handlers.data(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    if (this.#missing === 0) this.#expect('padding', this.#paddingBytes);
    return end;
  }

  #skipPadding(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing);
    this.#expect('padding', this.#missing - (end - at));
    return end;
  }

  #readPayload(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing);
    if (this.#payloadBytes === 0 && end - at === this.#missing) {
      this.#deliver(chunk.subarray(at, end));
      return end;
    }
    if (this.#payloadBytes === 0) this.#payload = Buffer.allocUnsafe(this.#missing);
    chunk.copy(this.#payload, this.#payloadBytes, at, end);
    this.#payloadBytes += end - at;
    this.#missing -= end - at;
    if (this.#missing === 0) this.#deliver(this.#payload);
    return end;
  }

  #deliver(payload: Buffer): void {
    this.#phase = 'head';
    this.#payload = EMPTY;
    this.#payloadBytes = 0;
    this.#handlers.frame(this.#type, this.#flags, this.#streamId, payload);
  }
}
