import { messageOf } from '../../lib/errors.ts';
import type { Channel } from '../bytes/channel.ts';
import type { Deadline, Deadlines } from '../deadlines.ts';
import { AnswerReader } from './answer-reader.ts';
import { BodyReader } from './body-reader.ts';
import { leavesNothing } from './connection-reuse.ts';
import { HeadReader } from './head-reader.ts';
import { BAD_GATEWAY, httpFault, statusOfFault, UNAVAILABLE } from './http-fault.ts';
import type { HttpGuard, Judgement, OwnAnswer } from './http-guard.ts';
import { Http1BodyPeek } from './http1-body-peek.ts';
import { Http1Exchange } from './http1-exchange.ts';
import type { JoinMode } from './join-mode.ts';
import { opaqueMode } from './opaque-mode.ts';
import { formatAnswer, plainAnswer } from './own-answer.ts';
import { formatRequestHead, parseRequestHead, type RequestHead } from './request-head.ts';

export interface Http1Options {
  readonly source: Channel;
  readonly destination: Channel;
  readonly guard: HttpGuard;
  /** How long a head may take to come whole, from its first byte on. */
  readonly headDeadlines: Deadlines;
  /** How long a client may take to go, once it was answered for the last time. */
  readonly lingerDeadlines: Deadlines;
}

/**
 * `idle`: between requests. `judging`: a request waits for its judgement. `busy`: one is under way.
 * `over`: nothing more is taken. `tunnel`: the bytes are no longer HTTP.
 */
type State = 'idle' | 'judging' | 'busy' | 'over' | 'tunnel';

const EMPTY = Buffer.alloc(0);
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');
const CRLF_BYTES = 2;
const REQUEST_TIMEOUT = 408;

/**
 * HTTP/1.0 and 1.1 between a client and the application. Requests are taken one at a time: the next is
 * looked at when the one before is answered, so that answers cannot come out of step. Requests go on as
 * they were read, and answers as they came.
 */
export class Http1Mode implements JoinMode {
  readonly #options: Http1Options;
  #state: State = 'idle';
  #exchange: Http1Exchange | undefined;
  #requestBody: BodyReader | undefined;
  readonly #peek = new Http1BodyPeek(() => this.#bodyWanted());
  readonly #requestHead = new HeadReader();
  readonly #answers: AnswerReader;
  #tunnel: JoinMode | undefined;
  /** What came of the next request. */
  #held: Buffer = EMPTY;
  #sourceEnded = false;
  #destinationEnded = false;
  /** Every request to the application until now was answered in full, and left nothing behind. */
  #atRest = false;
  /** Some request, or its answer, made the connection this client's for good. */
  #claimed = false;
  #headDeadline: Deadline | undefined;
  #linger: Deadline | undefined;
  #sourcePaused = false;
  /** The client does not read the answers that we gave. */
  #sourceFull = false;

  constructor(options: Http1Options) {
    this.#options = options;
    this.#answers = new AnswerReader((bytes, lent) => {
      if (!options.source.write(bytes, lent)) options.destination.pause();
    });
  }

  fromSource(chunk: Buffer, lent: boolean): void {
    if (this.#state === 'tunnel') return void this.#tunnel?.fromSource(chunk, lent);
    if (this.#state === 'over') return;
    try {
      if (this.#mustWait()) this.#hold(chunk);
      else this.#takeFromSource(chunk, lent);
    } catch (error) {
      this.#refuseRequest(statusOfFault(error), messageOf(error));
    }
  }

  sourceEnded(): void {
    this.#sourceEnded = true;
    if (this.#state === 'tunnel') return void this.#tunnel?.sourceEnded();
    if (this.#state === 'judging') this.#peek.cut();
    if (this.#held.length > 0 || this.#state === 'judging') return;
    this.#onSourceEnd();
  }

  sourceDrained(): void {
    if (this.#state === 'tunnel') return void this.#tunnel?.sourceDrained();
    this.#options.destination.resume();
    if (!this.#sourceFull) return;
    this.#sourceFull = false;
    this.#goOn();
  }

  fromDestination(chunk: Buffer, lent: boolean): void {
    if (this.#state === 'tunnel') return void this.#tunnel?.fromDestination(chunk, lent);
    if (this.#state === 'over') return;
    try {
      this.#takeFromDestination(chunk, lent);
    } catch (error) {
      this.#claim();
      this.#refuseResponse(messageOf(error));
    }
  }

  destinationEnded(): void {
    this.#destinationEnded = true;
    if (this.#state === 'tunnel') return void this.#tunnel?.destinationEnded();
    if (this.#state === 'over') return;
    this.#claim();
    const exchange = this.#exchange;
    if (exchange === undefined) return void this.#finish();
    if (this.#answers.endsWithConnection) {
      exchange.answered = true;
      this.#endExchange();
      return void this.#finish();
    }
    if (this.#answers.begun) return void this.#options.source.reset();
    this.#unanswered('the application ended the connection without an answer');
  }

  destinationDrained(): void {
    if (this.#state === 'tunnel') return void this.#tunnel?.destinationDrained();
    if (this.#state !== 'over' && !this.#mustWait()) this.#resumeSource();
  }

  destinationLost(): boolean {
    if (this.#state === 'over') return true;
    if (this.#state === 'tunnel') return false;
    if (this.#exchange?.answered === true) this.#endExchange();
    if (this.#answers.begun) return false;
    if (this.#exchange !== undefined) this.#unanswered('the application is not there');
    else this.#finish();
    return true;
  }

  recheck(): string | undefined {
    return this.#exchange?.under?.recheck();
  }

  over(): void {
    this.#headDeadline?.cancel();
    this.#linger?.cancel();
    this.#peek.cut();
    this.#endExchange();
    this.#state = 'over';
  }

  #mustWait(): boolean {
    return (
      this.#sourceFull ||
      this.#state === 'judging' ||
      (this.#state === 'busy' && this.#requestBody?.done === true)
    );
  }

  /** Keeps what came too early; no more is read meanwhile. */
  #hold(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    if (this.#state !== 'judging' || !this.#peek.take(chunk)) this.#pauseSource();
  }

  /** A judge waits for the body, which a client may not send before it is asked to. */
  #bodyWanted(): void {
    const fields = this.#exchange?.head.fields;
    if (fields?.get('expect') === undefined) return;
    fields.delete('expect');
    this.#options.source.write(CONTINUE, false);
  }

  #pauseSource(): void {
    this.#sourcePaused = true;
    this.#options.source.pause();
  }

  #resumeSource(): void {
    if (!this.#sourcePaused) return;
    this.#sourcePaused = false;
    this.#options.source.resume();
  }

  #takeFromSource(chunk: Buffer, lent: boolean): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#mustWait()) return void this.#hold(chunk.subarray(at));
      if (this.#state !== 'idle' && this.#state !== 'busy') return;
      at = this.#state === 'busy' ? this.#takeBody(chunk, at, lent) : this.#takeHead(chunk, at);
    }
  }

  #takeBody(chunk: Buffer, at: number, lent: boolean): number {
    const end = this.#requestBody?.take(chunk, at) ?? at;
    this.#exchange?.countIn(end - at);
    const whole = at === 0 && end === chunk.length;
    if (!this.#options.destination.write(whole ? chunk : chunk.subarray(at, end), lent)) {
      this.#pauseSource();
    }
    this.#endIfDone();
    return end;
  }

  #takeHead(chunk: Buffer, from: number): number {
    let at = from;
    // Some clients end a body with a line too many (RFC 9112, 2.2).
    if (!this.#requestHead.begun && chunk[at] === 13 && chunk[at + 1] === 10) at += CRLF_BYTES;
    if (at >= chunk.length) return at;
    const taken = this.#requestHead.take(chunk, at);
    if (taken === undefined) {
      this.#headDeadline ??= this.#options.headDeadlines.set(() => {
        this.#refuseRequest(REQUEST_TIMEOUT, 'the head of a request did not come in time');
      });
      return chunk.length;
    }
    this.#headDeadline?.cancel();
    this.#headDeadline = undefined;
    this.#begin(parseRequestHead(taken.text), taken.end - at);
    return taken.end;
  }

  #begin(head: RequestHead, bytes: number): void {
    const exchange = new Http1Exchange(head, bytes);
    this.#exchange = exchange;
    const { guard } = this.#options;
    this.#requestBody = new BodyReader(head.body, {
      isForbidden: (name) => guard.isReserved(name),
    });
    this.#peek.begin(head.body);
    const judgement = guard.judge(head, this.#peek);
    if (!(judgement instanceof Promise)) return void this.#act(exchange, judgement);
    this.#state = 'judging';
    void judgement.then((late) => {
      if (this.#state !== 'judging') {
        late.under.ended(exchange.outcome());
        return;
      }
      this.#act(exchange, late);
      this.#goOn();
    });
  }

  #act(exchange: Http1Exchange, judgement: Judgement): void {
    exchange.under = judgement.under;
    if (judgement.verdict === 'answer') return void this.#answer(exchange, judgement.answer);
    const { head } = exchange;
    this.#state = 'busy';
    exchange.answerFields = judgement.answerFields;
    const { sharing } = this.#options.destination;
    if (!leavesNothing(head, judgement.request.fields)) this.#claim();
    else if (!this.#claimed) sharing?.repeatable();
    this.#atRest = false;
    // The connection may outlast this client, so the application is not told that the client goes.
    const keepAlive = head.keepAlive || (sharing !== undefined && !this.#claimed);
    const bytes = formatRequestHead({ ...head, ...judgement.request, keepAlive });
    if (this.#destinationEnded) {
      this.#unanswered('the application had ended the connection');
    } else if (!this.#options.destination.write(bytes, false)) {
      this.#pauseSource();
    }
  }

  /** What was held back, after the state has changed. */
  #goOn(): void {
    const held = this.#held;
    if (this.#mustWait() || this.#state === 'over') return;
    this.#held = EMPTY;
    this.#resumeSource();
    if (held.length > 0) this.fromSource(held, false);
    if (this.#sourceEnded && this.#held.length === 0 && !this.#mustWait()) this.#onSourceEnd();
  }

  #onSourceEnd(): void {
    if (this.#state === 'over') return;
    const whole = this.#requestBody?.done !== false && !this.#requestHead.begun;
    if (!whole) return void this.#cut();
    if (this.#atRest) return void this.#finish();
    // A client that has sent all of its request and ends its side may still wait for the answer.
    this.#options.destination.end();
  }

  #answer(exchange: Http1Exchange, answer: OwnAnswer): void {
    const { head } = exchange;
    const close = !head.keepAlive || head.body.kind !== 'none' || this.#destinationEnded;
    const bytes = formatAnswer(answer, { method: head.method, close });
    exchange.status = answer.status;
    exchange.countOut(bytes.length);
    this.#sourceFull = !this.#options.source.write(bytes, false);
    exchange.answered = true;
    this.#endExchange();
    if (close) this.#finish();
    else this.#state = 'idle';
  }

  /** Refuses what is no request; nothing of the connection is believed any more. */
  #refuseRequest(status: number, reason: string): void {
    if (this.#state === 'over' || this.#state === 'tunnel') return;
    this.#options.guard.malformed({ side: 'request', reason, status });
    // of a request that is still judged nothing has gone on
    if (this.#exchange !== undefined && this.#state !== 'judging') return void this.#cut();
    const answer = plainAnswer(status, `${reason}\n`);
    this.#options.source.write(formatAnswer(answer, { method: 'GET', close: true }), false);
    this.#finish();
  }

  #refuseResponse(reason: string): void {
    this.#options.guard.malformed({ side: 'response', reason, status: BAD_GATEWAY });
    if (this.#exchange === undefined) return void this.#finish();
    if (this.#answers.begun) return void this.#cut();
    this.#unanswered('the application answered with something that is no HTTP', BAD_GATEWAY);
  }

  /** Answers for an application that did not. */
  #unanswered(reason: string, status: number = UNAVAILABLE): void {
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.begun) return void this.#cut();
    const answer = plainAnswer(status, `${reason}\n`);
    const bytes = formatAnswer(answer, { method: exchange.head.method, close: true });
    exchange.status = status;
    this.#options.source.write(bytes, false);
    this.#endExchange();
    this.#finish();
  }

  #takeFromDestination(chunk: Buffer, lent: boolean): void {
    const exchange = this.#exchange;
    // Nobody asked: the next request must not be answered by this.
    if (exchange === undefined || this.#state !== 'busy') throw httpFault('an answer to nothing');
    const end = this.#answers.take(chunk, lent, exchange);
    if (exchange.tunnel) return void this.#openTunnel(chunk.subarray(end), lent);
    if (end < chunk.length) throw httpFault('more than the answer');
    if (exchange.answered) this.#endIfDone();
  }

  #openTunnel(rest: Buffer, lent: boolean): void {
    const { source, destination } = this.#options;
    this.#tunnel = opaqueMode(source, destination, () => this.#exchange?.under?.recheck());
    this.#state = 'tunnel';
    const held = this.#held;
    this.#held = EMPTY;
    if (rest.length > 0) this.#tunnel.fromDestination(rest, lent);
    if (held.length > 0) this.#tunnel.fromSource(held, false);
    this.#resumeSource();
    if (this.#sourceEnded) this.#tunnel.sourceEnded();
    if (this.#destinationEnded) this.#tunnel.destinationEnded();
  }

  /** Goes over to the next request when both messages are whole. */
  #endIfDone(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || !exchange.answered || this.#requestBody?.done !== true) return;
    if (!exchange.reusable) this.#claim();
    this.#atRest = !this.#claimed;
    this.#endExchange();
    // What the client sends after its last request is nothing that anybody reads.
    if (!exchange.keepAlive) return void this.#finish();
    this.#state = 'idle';
    this.#goOn();
  }

  #endExchange(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#requestBody = undefined;
    this.#answers.clear();
    exchange?.end();
  }

  /** Ends both sides in order. The client may take its time to read, and is cut when it takes too long. */
  #finish(): void {
    const { source, destination, lingerDeadlines } = this.#options;
    this.#state = 'over';
    this.#held = EMPTY;
    if (this.#atRest && destination.sharing !== undefined) destination.sharing.release();
    else destination.end();
    source.end();
    this.#resumeSource();
    this.#linger ??= lingerDeadlines.set(() => {
      source.reset();
      destination.reset();
    });
  }

  /** The connection to the application goes to nobody else. */
  #claim(): void {
    this.#claimed = true;
    this.#atRest = false;
  }

  #cut(): void {
    this.#state = 'over';
    this.#options.source.reset();
    this.#options.destination.reset();
  }
}
