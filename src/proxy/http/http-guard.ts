import type { Field } from './fields.ts';
import type { HttpRequest } from './http-request.ts';
import type { RequestBody } from './request-body.ts';

/** A request that was judged and is under way; told what becomes of it. */
export interface JudgedRequest {
  /** Asks again, for when something has changed: the reason why it may no longer be, if so. */
  recheck(): string | undefined;
  /** Once, when it is over. Status 0: there was no answer. */
  ended(outcome: RequestOutcome): void;
}

/** How a request ended. */
export interface RequestOutcome {
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** An answer of our own. */
export interface OwnAnswer {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly body: string;
}

/** What becomes of a request. */
export type Judgement =
  /** Goes on as `request`, which is what was judged. */
  | {
      readonly verdict: 'forward';
      readonly request: Pick<HttpRequest, 'target' | 'fields'>;
      /** For the answer, when it comes. */
      readonly answerFields: readonly Field[];
      readonly under: JudgedRequest;
    }
  | { readonly verdict: 'answer'; readonly answer: OwnAnswer; readonly under: JudgedRequest };

/** A request and how it came to an end without being one. */
export interface MalformedMessage {
  readonly side: 'request' | 'response';
  readonly reason: string;
  readonly status: number;
}

/** Decides on the requests of one connection. */
export interface HttpGuard {
  /** At once where it can be; who looks at the body waits for it. Never rejects. */
  judge(request: HttpRequest, body: RequestBody): Judgement | Promise<Judgement>;
  /** Whether trailers may not have that name, in lower case. */
  isReserved(name: string): boolean;
  /** Something on the connection was no HTTP. */
  malformed(what: MalformedMessage): void;
}
