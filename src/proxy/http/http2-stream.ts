import type { Field } from './fields.ts';
import type { JudgedRequest, RequestOutcome } from './http-guard.ts';
import type { Http2Request } from './http2-fields.ts';
import { BodyPeek, type PeekedBody, type RequestBody } from './request-body.ts';

/** So much of a body comes before the application opens its window wider; what is more is not waited for. */
const MOST_EARLY_BYTES = 60 * 1024;

/** One request of HTTP/2 and its answer. */
export class Http2Stream implements RequestBody {
  /** Its number with the client. */
  readonly down: number;
  readonly request: Http2Request;
  /** Its number with the application; undefined until it was judged. */
  up: number | undefined;
  under: JudgedRequest | undefined;
  answerFields: readonly Field[] = [];
  clientEnded: boolean;
  serverEnded = false;
  /** The head of the answer has come. */
  begun = false;
  status = 0;
  /** What came while it was judged. */
  readonly early: Buffer[] = [];
  earlyTrailers: readonly Field[] | undefined;
  earlyWindow = 0;
  bytesIn = 0;
  bytesOut = 0;
  #over = false;
  #peek: BodyPeek | undefined;

  constructor(down: number, request: Http2Request, clientEnded: boolean) {
    this.down = down;
    this.request = request;
    this.clientEnded = clientEnded;
  }

  get length(): number | undefined {
    if (this.clientEnded) return 0;
    const declared = Number(this.request.fields.get('content-length'));
    return Number.isSafeInteger(declared) ? declared : undefined;
  }

  /** Whether a judge waits for the body. */
  get peeked(): boolean {
    return this.#peek !== undefined;
  }

  peek(most: number, beyond: boolean): Promise<PeekedBody | undefined> {
    const peek = new BodyPeek(Math.min(most, MOST_EARLY_BYTES), beyond);
    this.#peek = peek;
    for (const chunk of this.early) peek.content(chunk);
    if (this.clientEnded) peek.end();
    return peek.result;
  }

  /** Content that came while it was judged; what is lent is copied. */
  keep(chunk: Buffer): void {
    if (chunk.length === 0) return;
    const own = Buffer.from(chunk);
    this.early.push(own);
    this.#peek?.content(own);
  }

  /** The client has sent all of it. */
  endClient(): void {
    this.clientEnded = true;
    this.#peek?.end();
  }

  outcome(): RequestOutcome {
    return { status: this.status, bytesIn: this.bytesIn, bytesOut: this.bytesOut };
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#peek?.cut();
    this.under?.ended(this.outcome());
  }
}
