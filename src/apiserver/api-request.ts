import type { UserInfo } from './rights/user-info.ts';

/** One request, read whole. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  readonly user: UserInfo;
  /** Who the user really is, while they act as another. */
  readonly impersonatedBy?: UserInfo;
  readonly peerAddress: string;
}

/** Where a stream goes. */
export interface StreamSink {
  /** Undefined when more can be written at once, else what to wait for. Throws when the reader is cut. */
  write(chunk: Buffer): Promise<void> | undefined;
}

/** An answer: whole, or a stream that goes on until `signal` aborts or it ends by itself. */
export type ApiAnswer =
  | {
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Buffer | string;
    }
  | {
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly stream: (sink: StreamSink, signal: AbortSignal) => Promise<void>;
    };

const JSON_TYPE = { 'content-type': 'application/json' };

/** A JSON value as an answer. */
export function jsonAnswer(value: unknown, status = 200): ApiAnswer {
  return { status, headers: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

/** JSON text as an answer. */
export function jsonTextAnswer(
  body: string | Buffer,
  {
    status = 200,
    type = 'application/json',
  }: { readonly status?: number; readonly type?: string } = {},
): ApiAnswer {
  return { status, headers: { 'content-type': type }, body };
}

export function textAnswer(body: string, status = 200): ApiAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}
