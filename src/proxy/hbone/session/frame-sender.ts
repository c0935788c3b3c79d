import type { FrameOutput } from '../frames/frame-output.ts';
import {
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  Flag,
  FrameType,
  PREFACE,
} from '../frames/http2-codes.ts';
import { http2Error } from '../frames/http2-error.ts';
import { encodeFields, NO_DYNAMIC_TABLE } from '../hpack/encode-fields.ts';
import type { HeaderField } from '../hpack/static-table.ts';
import { CONNECTION_WINDOW_BYTES } from './connection-credit.ts';
import { ownSettings } from './own-settings.ts';

const PING_BYTES = 8;
const GOAWAY_BYTES = 8;
const MAX_DEBUG_BYTES = 200;
/** Of what we owe the peer and it does not read. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;

/** Sends every frame but DATA. */
export class FrameSender {
  readonly #output: FrameOutput;
  #mustEmptyTable = false;

  constructor(output: FrameOutput) {
    this.#output = output;
  }

  /** What a connection begins with. */
  begin(role: 'client' | 'server', maxStreams: number): void {
    if (role === 'client') this.#output.raw(PREFACE);
    const payload = ownSettings(role, maxStreams);
    this.#output.frame({ type: FrameType.settings, flags: Flag.none, streamId: 0, payload });
    this.windowUpdate(0, CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES);
  }

  headers(streamId: number, fields: readonly HeaderField[], endStream: boolean): void {
    const block = encodeFields(fields);
    const payload = this.#mustEmptyTable ? Buffer.concat([NO_DYNAMIC_TABLE, block]) : block;
    this.#mustEmptyTable = false;
    const flags = Flag.endHeaders | (endStream ? Flag.endStream : Flag.none);
    this.#output.frame({ type: FrameType.headers, flags, streamId, payload });
  }

  /** The peer made its header table smaller; the next block must say that ours is. */
  emptyTable(): void {
    this.#mustEmptyTable = true;
  }

  rst(streamId: number, code: number): void {
    this.#output.number(FrameType.rstStream, streamId, code);
  }

  /** @param streamId 0 for the connection. */
  windowUpdate(streamId: number, increment: number): void {
    this.#output.number(FrameType.windowUpdate, streamId, increment);
  }

  ping(): void {
    const payload = new Uint8Array(PING_BYTES);
    this.#output.frame({ type: FrameType.ping, flags: Flag.none, streamId: 0, payload });
  }

  goaway(lastId: number, code: number, debug: string): void {
    const text = Buffer.from(debug).subarray(0, MAX_DEBUG_BYTES);
    const payload = Buffer.alloc(GOAWAY_BYTES + text.length);
    payload.writeUInt32BE(lastId, 0);
    payload.writeUInt32BE(code, 4);
    text.copy(payload, GOAWAY_BYTES);
    this.#output.frame({ type: FrameType.goaway, flags: Flag.none, streamId: 0, payload });
  }

  /** @throws {MeshError} ERR_WIRE when the peer asks for more answers than it reads. */
  acknowledge(type: number, payload: Uint8Array): void {
    this.#output.frame({ type, flags: Flag.ack, streamId: 0, payload });
    if (this.#output.unsent <= MAX_UNSENT_BYTES) return;
    throw http2Error(ErrorCode.enhanceYourCalm, 'the peer asks and does not read the answers');
  }
}
