import type { Channel } from '../bytes/channel.ts';
import { ErrorCode, Flag, FRAME_HEAD_BYTES, FrameType } from '../hbone/frames/http2-codes.ts';
import { http2Error } from '../hbone/frames/http2-error.ts';
import { encodeFields, NO_DYNAMIC_TABLE } from '../hbone/hpack/encode-fields.ts';
import type { Field } from './fields.ts';

/** What any peer takes without having said so. */
const FRAME_BYTES = 16_384;
/** Answers of our own, before the application has said anything. */
const MAX_HELD_BYTES = 256 * 1024;
const EMPTY = Buffer.alloc(0);

/** Frames on their way to one side, written together when `flush` is called. */
export class Http2Output {
  readonly #channel: Channel;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #tableChanged = true;
  #held: boolean;

  /** @param held nothing is written before `settings` was called once: they come first. */
  constructor(channel: Channel, held: boolean) {
    this.#channel = channel;
    this.#held = held;
  }

  /** SETTINGS, before all that was held back for want of them. */
  settings(payload: Uint8Array): void {
    const waiting = this.#held ? this.#parts : [];
    if (this.#held) {
      this.#held = false;
      this.#parts = [];
    }
    this.frame(FrameType.settings, Flag.none, 0, payload);
    for (const part of waiting) this.#parts.push(part);
  }

  /** To be called when the peer has said how large a header table it has: we use none. */
  tableChanged(): void {
    this.#tableChanged = true;
  }

  raw(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
  }

  /** @param payload may be lent: it is copied by `flush`, within the same call. */
  frame(type: number, flags: number, streamId: number, payload: Uint8Array = EMPTY): void {
    const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(streamId, 5);
    this.raw(head);
    if (payload.length > 0) this.raw(payload);
  }

  headers(streamId: number, fields: readonly Field[], endStream: boolean): void {
    const encoded = encodeFields(fields);
    const block = this.#tableChanged ? Buffer.concat([NO_DYNAMIC_TABLE, encoded]) : encoded;
    this.#tableChanged = false;
    const end = endStream ? Flag.endStream : Flag.none;
    let type: number = FrameType.headers;
    for (let at = 0; at === 0 || at < block.length; at += FRAME_BYTES) {
      const last = at + FRAME_BYTES >= block.length;
      const flags = (at === 0 ? end : Flag.none) | (last ? Flag.endHeaders : Flag.none);
      this.frame(type, flags, streamId, block.subarray(at, at + FRAME_BYTES));
      type = FrameType.continuation;
    }
  }

  data(streamId: number, chunk: Uint8Array, endStream: boolean): void {
    this.frame(FrameType.data, endStream ? Flag.endStream : Flag.none, streamId, chunk);
  }

  number(type: number, streamId: number, value: number): void {
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32BE(value, 0);
    this.frame(type, Flag.none, streamId, payload);
  }

  reset(streamId: number, code: number): void {
    this.number(FrameType.rstStream, streamId, code);
  }

  windowUpdate(streamId: number, increment: number): void {
    if (increment > 0) this.number(FrameType.windowUpdate, streamId, increment);
  }

  goaway(lastId: number, code: number = ErrorCode.noError): void {
    const payload = Buffer.allocUnsafe(8);
    payload.writeUInt32BE(lastId, 0);
    payload.writeUInt32BE(code, 4);
    this.frame(FrameType.goaway, Flag.none, 0, payload);
  }

  /** False: no more until the channel drains. */
  flush(): boolean {
    if (this.#held && this.#bytes > MAX_HELD_BYTES) {
      throw http2Error(ErrorCode.enhanceYourCalm, 'too much before the first SETTINGS');
    }
    if (this.#bytes === 0 || this.#held) return true;
    const bytes = Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    return this.#channel.write(bytes, false);
  }
}
