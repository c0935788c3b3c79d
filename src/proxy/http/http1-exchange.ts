import type { Field } from './fields.ts';
import type { JudgedRequest, RequestOutcome } from './http-guard.ts';
import type { RequestHead } from './request-head.ts';

/** One request of HTTP/1 and its answer, as far as they have come. */
export class Http1Exchange {
  readonly head: RequestHead;
  under: JudgedRequest | undefined;
  answerFields: readonly Field[] = [];
  /** Interim answers so far. */
  interim = 0;
  /** The head of the answer has come. */
  begun = false;
  /** The answer is whole. */
  answered = false;
  tunnel = false;
  keepAlive = false;
  /** The application takes another request on the connection, whoever asks it. */
  reusable = false;
  status = 0;
  #bytesIn: number;
  #bytesOut = 0;
  #ended = false;

  constructor(head: RequestHead, bytes: number) {
    this.head = head;
    this.#bytesIn = bytes;
  }

  countIn(bytes: number): void {
    this.#bytesIn += bytes;
  }

  countOut(bytes: number): void {
    this.#bytesOut += bytes;
  }

  outcome(): RequestOutcome {
    return { status: this.status, bytesIn: this.#bytesIn, bytesOut: this.#bytesOut };
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.under?.ended(this.outcome());
  }
}
