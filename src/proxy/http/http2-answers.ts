import { messageOf } from '../../lib/errors.ts';
import { ErrorCode, Flag, FrameType } from '../hbone/frames/http2-codes.ts';
import { HpackDecoder } from '../hbone/hpack/hpack-decoder.ts';
import { FloodGuard } from '../hbone/session/flood-guard.ts';
import { FrameReader } from '../hbone/session/frame-reader.ts';
import type { HeaderBlock } from '../hbone/session/header-block.ts';
import { DataPassage } from './data-passage.ts';
import type { Field } from './fields.ts';
import { MAX_HEAD_BYTES } from './head-reader.ts';
import { BAD_GATEWAY } from './http-fault.ts';
import { checkHttp2Trailers, readHttp2Answer } from './http2-fields.ts';
import type { Http2Link } from './http2-link.ts';
import { passedSettings } from './http2-settings.ts';
import type { Http2Stream } from './http2-stream.ts';

const FIRST_FINAL = 200;

/** From the application to the client: what it answers goes to those who asked. */
export class Http2Answers {
  readonly #link: Http2Link;
  readonly #reader: FrameReader;
  readonly #blocks = new HpackDecoder(MAX_HEAD_BYTES);
  readonly #floods = new FloodGuard(() => performance.now());
  readonly #data: DataPassage;

  constructor(link: Http2Link) {
    this.#link = link;
    const { toClient, toServer } = link;
    this.#data = new DataPassage({
      isOpen: (stream) => link.isOpen(stream),
      pass(stream, chunk, endStream) {
        stream.bytesOut += chunk.length;
        toClient.data(stream.down, chunk, endStream);
        return true;
      },
      credit(bytes, stream) {
        toServer.windowUpdate(0, bytes);
        if (stream?.up !== undefined) toServer.windowUpdate(stream.up, bytes);
      },
    });
    this.#reader = new FrameReader('client', {
      dataBegins: (id, length, endStream) => this.#data.begin(link.up(id), length, endStream),
      data: (chunk) => this.#data.data(chunk),
      dataEnds: () => this.#ended(this.#data.finish()),
      block: (block) => this.#onBlock(block),
      reset: (id, code) => this.#onReset(id, code),
      windowUpdate: (id, increment) => this.#onWindowUpdate(id, increment),
      settings: (payload) => this.#onSettings(payload),
      settingsTaken: () => toClient.frame(FrameType.settings, Flag.ack, 0),
      ping: (payload) => {
        this.#floods.count('ping');
        toServer.frame(FrameType.ping, Flag.ack, 0, payload);
      },
      pong: () => undefined,
      goaway: ({ lastId, code }) => this.#onGoaway(lastId, code),
      ignored: () => this.#floods.count('ignored'),
    });
  }

  /** @throws {MeshError} ERR_WIRE with the HTTP/2 code to end the connection with. */
  push(chunk: Buffer): void {
    this.#reader.push(chunk);
    this.#data.release();
  }

  #onBlock({ streamId, endStream, bytes }: HeaderBlock): void {
    const decoded = this.#blocks.decode(bytes);
    const stream = this.#link.up(streamId);
    if (stream === undefined) return;
    if ('tooLarge' in decoded) {
      this.#link.cut(stream, ErrorCode.enhanceYourCalm);
      return;
    }
    try {
      this.#pass(stream, decoded.fields, endStream);
    } catch (error) {
      const reason = messageOf(error);
      this.#link.guard.malformed({ side: 'response', reason, status: BAD_GATEWAY });
      this.#link.cut(stream, ErrorCode.protocolError);
    }
  }

  #pass(stream: Http2Stream, fields: readonly Field[], endStream: boolean): void {
    if (stream.begun) checkHttp2Trailers(fields, () => false);
    const status = stream.begun ? undefined : readHttp2Answer(fields);
    const first = status !== undefined && status >= FIRST_FINAL;
    if (first) {
      stream.begun = true;
      stream.status = status;
    }
    const all =
      first && stream.answerFields.length > 0
        ? [...fields, ...stream.answerFields.map(lowerCased)]
        : fields;
    this.#link.toClient.headers(stream.down, all, endStream);
    if (endStream) this.#ended(stream);
  }

  #ended(stream: Http2Stream | undefined): void {
    if (stream === undefined) return;
    stream.serverEnded = true;
    this.#link.removeIfDone(stream);
  }

  #onReset(id: number, code: number): void {
    const stream = this.#link.up(id);
    if (stream === undefined) return;
    this.#link.toClient.reset(stream.down, code);
    this.#link.remove(stream);
  }

  #onWindowUpdate(id: number, increment: number): void {
    const down = id === 0 ? 0 : this.#link.up(id)?.down;
    if (down !== undefined) this.#link.toClient.windowUpdate(down, increment);
  }

  #onSettings(payload: Buffer): void {
    this.#floods.count('settings');
    const passed = passedSettings(payload, 'server');
    this.#link.toClient.settings(passed);
    this.#link.toServer.tableChanged();
  }

  /** The numbers are not in the same order on both sides, so what was not served is told one by one. */
  #onGoaway(lastId: number, code: number): void {
    for (const stream of this.#link.all()) {
      if (stream.up === undefined || stream.up <= lastId) continue;
      this.#link.toClient.reset(stream.down, ErrorCode.refusedStream);
      this.#link.remove(stream);
    }
    this.#link.toClient.goaway(this.#link.lastDown, code);
  }
}

function lowerCased([name, value]: Field): Field {
  return [name.toLowerCase(), value];
}
