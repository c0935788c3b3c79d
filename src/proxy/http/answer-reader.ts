import { BodyReader } from './body-reader.ts';
import { isReusable } from './connection-reuse.ts';
import { HeadReader } from './head-reader.ts';
import { httpFault } from './http-fault.ts';
import type { Http1Exchange } from './http1-exchange.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';

/** Interim answers to one request. */
const MAX_INTERIM = 64;
const CRLF_BYTES = 2;
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
]);

/** Reads the answers of one HTTP/1 connection, and writes them on as they came. */
export class AnswerReader {
  readonly #write: (bytes: Buffer, lent: boolean) => void;
  readonly #head = new HeadReader();
  #body: BodyReader | undefined;

  constructor(write: (bytes: Buffer, lent: boolean) => void) {
    this.#write = write;
  }

  /** Whether the head of an answer has come, and the rest not yet. */
  get begun(): boolean {
    return this.#body !== undefined;
  }

  /** Whether the end of the connection is the end of the answer. */
  get endsWithConnection(): boolean {
    return this.#body?.endsWithConnection ?? false;
  }

  /** Gets ready for the next. */
  clear(): void {
    this.#body = undefined;
  }

  /**
   * Takes what belongs to the answer of `exchange` and notes there how far that has come. Returns where
   * that ends: after the head where a tunnel begins.
   *
   * @throws {MeshError} ERR_WIRE
   */
  take(chunk: Buffer, lent: boolean, exchange: Http1Exchange): number {
    let at = 0;
    let from = 0;
    while (this.#body === undefined) {
      const taken = this.#head.take(chunk, at);
      if (taken === undefined) {
        this.#pass(chunk.subarray(from, at), lent);
        return chunk.length;
      }
      exchange.countOut(taken.text.length);
      const changed = this.#onHead(exchange, taken.text);
      // As it came, unless part of it came before or something is added to it.
      if (changed !== undefined || taken.end - at !== taken.text.length) {
        this.#pass(chunk.subarray(from, at), lent);
        this.#pass(changed ?? Buffer.from(taken.text, 'latin1'), false);
        from = taken.end;
      }
      at = taken.end;
    }
    if (!exchange.tunnel) {
      const end = this.#body.take(chunk, at);
      exchange.countOut(end - at);
      exchange.answered = this.#body.done;
      at = end;
    }
    this.#pass(chunk.subarray(from, at), lent);
    return at;
  }

  #pass(bytes: Buffer, lent: boolean): void {
    if (bytes.length > 0) this.#write(bytes, lent);
  }

  /** The bytes of the head, if they are to be others than came. */
  #onHead(exchange: Http1Exchange, text: string): Buffer | undefined {
    const head = parseResponseHead(text, exchange.head);
    const { interim, status, tunnel, keepAlive, body } = head;
    if (interim) {
      exchange.interim += 1;
      if (exchange.interim > MAX_INTERIM) throw httpFault('too many interim answers');
      return undefined;
    }
    exchange.begun = true;
    exchange.status = status;
    exchange.tunnel = tunnel;
    exchange.keepAlive = keepAlive && exchange.head.keepAlive;
    exchange.reusable = isReusable(head);
    this.#body = new BodyReader(body);
    // The application was not told that this client goes, or does not mind; the client must hear it.
    if (keepAlive && !tunnel && !exchange.head.keepAlive) return lastAnswer(text, head, exchange);
    if (exchange.answerFields.length === 0) return undefined;
    const added = exchange.answerFields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return Buffer.from(`${text.slice(0, -CRLF_BYTES)}${added}\r\n`, 'latin1');
  }
}

/** The head as it came, but for what it says of the connection: this is the last answer on it. */
function lastAnswer(
  text: string,
  { fields }: ResponseHead,
  { answerFields }: Http1Exchange,
): Buffer {
  let written = text.slice(0, text.indexOf('\r\n') + CRLF_BYTES);
  for (const [name, value] of [...fields.all(), ...answerFields]) {
    if (!OF_CONNECTION.has(name.toLowerCase())) written += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${written}Connection: close\r\n\r\n`, 'latin1');
}
