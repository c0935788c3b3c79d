import { messageOf } from '../../lib/errors.ts';
import { ErrorCode, Flag, FrameType } from '../hbone/frames/http2-codes.ts';
import { http2Error } from '../hbone/frames/http2-error.ts';
import { HpackDecoder } from '../hbone/hpack/hpack-decoder.ts';
import { FloodGuard } from '../hbone/session/flood-guard.ts';
import { FrameReader } from '../hbone/session/frame-reader.ts';
import type { HeaderBlock } from '../hbone/session/header-block.ts';
import { DataPassage } from './data-passage.ts';
import type { Field } from './fields.ts';
import { MAX_HEAD_BYTES } from './head-reader.ts';
import { BAD_REQUEST, FIELDS_TOO_LARGE, httpFault } from './http-fault.ts';
import type { Judgement, OwnAnswer } from './http-guard.ts';
import { checkHttp2Trailers, formatHttp2Request, readHttp2Request } from './http2-fields.ts';
import type { Http2Link } from './http2-link.ts';
import { initialWindowIn, passedSettings } from './http2-settings.ts';
import { Http2Stream } from './http2-stream.ts';

const DEFAULT_WINDOW = 65_535;
const MAX_STREAMS = 1_024;
/** Of one stream, while it is judged. */
const MAX_EARLY_BYTES = 1024 * 1024;
/** Of what the client lets us send, kept for bodies of our own. */
const RESERVE_BYTES = 4 * 1024;

/** From the client to the application: each request is judged, and goes on or is answered. */
export class Http2Requests {
  readonly #link: Http2Link;
  readonly #flush: () => void;
  readonly #reader: FrameReader;
  readonly #blocks = new HpackDecoder(MAX_HEAD_BYTES);
  readonly #floods = new FloodGuard(() => performance.now());
  readonly #data: DataPassage;
  #reserve = 0;
  #clientWindow = DEFAULT_WINDOW;

  /** @param flush writes what is ready, for what happens outside of `push`. */
  constructor(link: Http2Link, flush: () => void) {
    this.#link = link;
    this.#flush = flush;
    const { toClient, toServer } = link;
    this.#data = new DataPassage({
      isOpen: (stream) => link.isOpen(stream),
      pass: (stream, chunk, endStream) => this.#passData(stream, chunk, endStream),
      credit(bytes, stream) {
        toClient.windowUpdate(0, bytes);
        if (stream !== undefined) toClient.windowUpdate(stream.down, bytes);
      },
    });
    this.#reader = new FrameReader('server', {
      dataBegins: (id, length, endStream) => this.#beginData(id, length, endStream),
      data: (chunk) => this.#data.data(chunk),
      dataEnds: () => this.#ended(this.#data.finish()),
      block: (block) => this.#onBlock(block),
      reset: (id, code) => this.#onReset(id, code),
      windowUpdate: (id, increment) => this.#onWindowUpdate(id, increment),
      settings: (payload) => this.#onSettings(payload),
      settingsTaken: () => toServer.frame(FrameType.settings, Flag.ack, 0),
      ping: (payload) => {
        this.#floods.count('ping');
        toClient.frame(FrameType.ping, Flag.ack, 0, payload);
      },
      pong: () => undefined,
      goaway: ({ code }) => toServer.goaway(0, code),
      ignored: () => this.#floods.count('ignored'),
    });
  }

  /** @throws {MeshError} ERR_WIRE with the HTTP/2 code to end the connection with. */
  push(chunk: Buffer): void {
    this.#reader.push(chunk);
    this.#data.release();
  }

  /** Answers a request instead of the application. */
  answer(stream: Http2Stream, { status, fields, body }: OwnAnswer): void {
    const { toClient } = this.#link;
    const bytes = Buffer.from(body);
    // A body must fit into what the client lets us send, which the application has most of.
    const fits = bytes.length > 0 && bytes.length <= Math.min(this.#reserve, this.#clientWindow);
    const head: Field[] = [[':status', String(status)]];
    for (const [name, value] of fields) head.push([name.toLowerCase(), value]);
    if (fits) {
      head.push(['content-type', 'text/plain'], ['content-length', String(bytes.length)]);
      this.#reserve -= bytes.length;
    }
    toClient.headers(stream.down, head, !fits);
    if (fits) toClient.data(stream.down, bytes, true);
    if (!stream.clientEnded) toClient.reset(stream.down, ErrorCode.noError);
    stream.status = status;
    stream.bytesOut += bytes.length;
    this.#link.credit(stream);
    this.#link.remove(stream);
  }

  #onBlock({ streamId, endStream, bytes }: HeaderBlock): void {
    const decoded = this.#blocks.decode(bytes);
    const known = this.#link.down(streamId);
    if (known !== undefined) {
      this.#onTrailers(known, 'fields' in decoded ? decoded.fields : undefined, endStream);
      return;
    }
    if (streamId <= this.#link.lastDown) {
      this.#floods.count('ignored'); // trailers of a stream that is over here
      return;
    }
    if (streamId % 2 === 0) throw http2Error(ErrorCode.protocolError, `stream ${streamId}`);
    this.#link.lastDown = streamId;
    if ('tooLarge' in decoded) {
      this.#link.toClient.headers(streamId, [[':status', String(FIELDS_TOO_LARGE)]], true);
      this.#malformed(`header fields of ${decoded.tooLarge} bytes`, FIELDS_TOO_LARGE);
    } else if (this.#link.size >= MAX_STREAMS) {
      this.#link.toClient.reset(streamId, ErrorCode.refusedStream);
    } else this.#begin(streamId, decoded.fields, endStream);
  }

  #begin(id: number, fields: readonly Field[], endStream: boolean): void {
    let stream: Http2Stream;
    try {
      stream = new Http2Stream(id, readHttp2Request(fields), endStream);
    } catch (error) {
      this.#malformed(messageOf(error), BAD_REQUEST);
      this.#link.toClient.reset(id, ErrorCode.protocolError);
      return;
    }
    this.#link.add(stream);
    const judgement = this.#link.guard.judge(stream.request, stream);
    if (stream.peeked) this.#askForBody(stream);
    if (!(judgement instanceof Promise)) {
      this.#act(stream, judgement);
      return;
    }
    void judgement.then((late) => {
      if (!this.#link.isOpen(stream)) {
        late.under.ended(stream.outcome());
        return;
      }
      this.#act(stream, late);
      this.#flush();
    });
  }

  /** A judge waits for the body, which a client may not send before it is asked to. */
  #askForBody({ down, request: { fields } }: Http2Stream): void {
    if (fields.get('expect') === undefined) return;
    fields.delete('expect');
    this.#link.toClient.headers(down, [[':status', '100']], false);
  }

  #act(stream: Http2Stream, judgement: Judgement): void {
    stream.under = judgement.under;
    if (judgement.verdict === 'answer') {
      this.answer(stream, judgement.answer);
      return;
    }
    const { toServer } = this.#link;
    const up = this.#link.forward(stream);
    stream.answerFields = judgement.answerFields;
    const early = stream.early.splice(0);
    const trailers = stream.earlyTrailers;
    const fields = formatHttp2Request({ ...stream.request, ...judgement.request });
    const ends = stream.clientEnded && trailers === undefined;
    toServer.headers(up, fields, ends && early.length === 0);
    toServer.windowUpdate(up, stream.earlyWindow);
    early.forEach((chunk, i) => {
      toServer.data(up, chunk, ends && i === early.length - 1);
    });
    if (trailers !== undefined) toServer.headers(up, trailers, true);
  }

  #onTrailers(stream: Http2Stream, fields: readonly Field[] | undefined, endStream: boolean): void {
    if (stream.clientEnded) throw http2Error(ErrorCode.streamClosed, 'HEADERS after the end');
    try {
      if (fields === undefined || !endStream) throw httpFault('trailers that are none');
      checkHttp2Trailers(fields, (name) => this.#link.guard.isReserved(name));
    } catch (error) {
      this.#malformed(messageOf(error), BAD_REQUEST);
      this.#link.cut(stream, ErrorCode.protocolError);
      return;
    }
    if (stream.up === undefined) stream.earlyTrailers = fields;
    else this.#link.toServer.headers(stream.up, fields, true);
    this.#ended(stream);
  }

  #beginData(id: number, length: number, endStream: boolean): void {
    const stream = this.#link.down(id);
    if (stream === undefined && (id > this.#link.lastDown || id % 2 === 0)) {
      throw http2Error(ErrorCode.protocolError, `DATA for stream ${id}, which is idle`);
    }
    if (stream?.clientEnded === true) {
      throw http2Error(ErrorCode.streamClosed, `DATA for stream ${id} after its end`);
    }
    if (length === 0 && !endStream) this.#floods.count('empty-data');
    this.#data.begin(stream, length, endStream);
  }

  #passData(stream: Http2Stream, chunk: Buffer, endStream: boolean): boolean {
    stream.bytesIn += chunk.length;
    if (stream.up !== undefined) {
      this.#link.toServer.data(stream.up, chunk, endStream);
      return true;
    }
    if (stream.bytesIn > MAX_EARLY_BYTES) {
      this.#link.cut(stream, ErrorCode.enhanceYourCalm);
      return false;
    }
    stream.keep(chunk);
    return true;
  }

  #ended(stream: Http2Stream | undefined): void {
    if (stream === undefined) return;
    stream.endClient();
    this.#link.removeIfDone(stream);
  }

  #onReset(id: number, code: number): void {
    this.#checkUsed(id, 'RST_STREAM');
    this.#floods.count('reset');
    const stream = this.#link.down(id);
    if (stream === undefined) return;
    if (stream.up !== undefined) this.#link.toServer.reset(stream.up, code);
    else this.#link.credit(stream);
    this.#link.remove(stream);
  }

  #onWindowUpdate(id: number, increment: number): void {
    if (id === 0) {
      if (increment === 0) throw http2Error(ErrorCode.protocolError, 'a window update of 0');
      const kept = Math.min(increment, RESERVE_BYTES - this.#reserve);
      this.#reserve += kept;
      this.#link.toServer.windowUpdate(0, increment - kept);
      return;
    }
    this.#checkUsed(id, 'WINDOW_UPDATE');
    const stream = this.#link.down(id);
    if (stream === undefined) return;
    if (increment === 0) this.#link.cut(stream, ErrorCode.protocolError);
    else if (stream.up === undefined) stream.earlyWindow += increment;
    else this.#link.toServer.windowUpdate(stream.up, increment);
  }

  #onSettings(payload: Buffer): void {
    this.#floods.count('settings');
    const passed = passedSettings(payload, 'client');
    this.#link.toServer.settings(passed);
    this.#clientWindow = initialWindowIn(payload) ?? this.#clientWindow;
    this.#link.toClient.tableChanged();
  }

  #checkUsed(id: number, frame: string): void {
    if (id <= this.#link.lastDown && id % 2 === 1) return;
    throw http2Error(ErrorCode.protocolError, `${frame} for stream ${id}, which is idle`);
  }

  #malformed(reason: string, status: number): void {
    this.#link.guard.malformed({ side: 'request', reason, status });
  }
}
