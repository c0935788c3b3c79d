import { messageOf } from '../../lib/errors.ts';
import { ErrorCode, PREFACE } from '../hbone/frames/http2-codes.ts';
import { http2CodeOf } from '../hbone/frames/http2-error.ts';
import { BAD_GATEWAY, BAD_REQUEST, UNAVAILABLE } from './http-fault.ts';
import { Http2Answers } from './http2-answers.ts';
import { Http2Link, type Http2Options } from './http2-link.ts';
import { Http2Requests } from './http2-requests.ts';
import type { JoinMode } from './join-mode.ts';
import { refusalOf } from './own-answer.ts';

const NO_SETTINGS = Buffer.alloc(0);

/**
 * HTTP/2 between a client and the application, frame by frame. Header blocks are decoded, judged and
 * encoded again; DATA goes through as it comes, and windows are those of the two ends. Streams have
 * numbers of their own on each side, so that one which is refused or waits holds up no other.
 */
export class Http2Mode implements JoinMode {
  readonly #options: Http2Options;
  readonly #link: Http2Link;
  readonly #requests: Http2Requests;
  readonly #answers: Http2Answers;
  #over = false;

  constructor(options: Http2Options) {
    this.#options = options;
    this.#link = new Http2Link(options);
    this.#requests = new Http2Requests(this.#link, () => this.#flush());
    this.#answers = new Http2Answers(this.#link);
    this.#link.toServer.raw(PREFACE);
  }

  fromSource(chunk: Buffer): void {
    this.#read(() => this.#requests.push(chunk), 'request');
  }

  sourceEnded(): void {
    this.#options.destination.end();
  }

  sourceDrained(): void {
    this.#options.destination.resume();
  }

  fromDestination(chunk: Buffer): void {
    this.#read(() => this.#answers.push(chunk), 'response');
  }

  destinationEnded(): void {
    this.#options.source.end();
  }

  destinationDrained(): void {
    this.#options.source.resume();
  }

  destinationLost(): boolean {
    if (this.#over) return true;
    for (const stream of this.#link.all()) {
      if (stream.begun) this.#link.cut(stream, ErrorCode.internalError);
      else {
        const why = { status: UNAVAILABLE, reason: 'the application is not there' };
        this.#requests.answer(stream, refusalOf(stream.request, why));
      }
    }
    this.#over = true;
    this.#goaway(ErrorCode.noError);
    this.#options.source.end();
    return true;
  }

  /** Streams that may not be any more are cut one by one; the connection stays. */
  recheck(): string | undefined {
    for (const stream of this.#link.all()) {
      if (stream.under?.recheck() !== undefined) this.#link.cut(stream, ErrorCode.cancel);
    }
    this.#flush();
    return undefined;
  }

  over(): void {
    this.#over = true;
    for (const stream of this.#link.all()) this.#link.remove(stream);
  }

  #read(push: () => void, side: 'request' | 'response'): void {
    if (this.#over) return;
    try {
      push();
      this.#flush();
    } catch (error) {
      this.#over = true;
      const { source, destination, guard } = this.#options;
      const status = side === 'request' ? BAD_REQUEST : BAD_GATEWAY;
      guard.malformed({ side, reason: messageOf(error), status });
      this.#goaway(http2CodeOf(error));
      destination.reset();
      source.end();
      setImmediate(() => source.reset());
    }
  }

  #goaway(code: number): void {
    const { toClient, lastDown } = this.#link;
    // Whatever else came, a connection of HTTP/2 begins with these.
    toClient.settings(NO_SETTINGS);
    toClient.goaway(lastDown, code);
    toClient.flush();
  }

  #flush(): void {
    if (this.#over) return;
    const { source, destination } = this.#options;
    if (!this.#link.toServer.flush()) source.pause();
    if (!this.#link.toClient.flush()) destination.pause();
  }
}
