import type { Field } from './fields.ts';
import type { JudgedRequest, RequestOutcome } from './http-guard.ts';
import type { Http2Request } from './http2-fields.ts';

/** One request of HTTP/2 and its answer. */
export class Http2Stream {
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

  constructor(down: number, request: Http2Request, clientEnded: boolean) {
    this.down = down;
    this.request = request;
    this.clientEnded = clientEnded;
  }

  outcome(): RequestOutcome {
    return { status: this.status, bytesIn: this.bytesIn, bytesOut: this.bytesOut };
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.under?.ended(this.outcome());
  }
}
