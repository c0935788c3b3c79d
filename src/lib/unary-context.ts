import type { Http2ServerRequest } from 'node:http2';
import type { ContextValues, HandlerContext } from '@connectrpc/connect';

type Described = Pick<HandlerContext, 'method' | 'service'>;

const MILLISECONDS: Readonly<Record<string, number>> = {
  ...{ H: 3_600_000, M: 60_000, S: 1_000 },
  ...{ m: 1, u: 0.001, n: 0.000_001 },
};

/** The milliseconds of a `grpc-timeout`; undefined where it is none. */
export function timeoutMsOf(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  const factor = MILLISECONDS[unit];
  return factor === undefined ? undefined : Number(digits) * factor;
}

/** What a handler may ask of a unary call. Made when it asks, which few do. */
export class UnaryContext implements HandlerContext {
  readonly protocolName = 'grpc';
  readonly requestMethod = 'POST';
  readonly values: ContextValues;
  readonly #request: Http2ServerRequest;
  readonly #described: Described;
  readonly #deadlineMs: number | undefined;
  #signal: AbortSignal | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;

  constructor(request: Http2ServerRequest, described: Described, values: ContextValues) {
    this.#request = request;
    this.#described = described;
    this.values = values;
    const ms = timeoutMsOf(String(request.headers['grpc-timeout'] ?? ''));
    this.#deadlineMs = ms === undefined ? undefined : performance.now() + ms;
  }

  get method(): HandlerContext['method'] {
    return this.#described.method;
  }

  get service(): HandlerContext['service'] {
    return this.#described.service;
  }

  get url(): string {
    const { stream, url } = this.#request;
    return `${stream.session?.encrypted ? 'https' : 'http'}://localhost${url}`;
  }

  readonly timeoutMs = (): number | undefined =>
    this.#deadlineMs === undefined ? undefined : this.#deadlineMs - performance.now();

  get signal(): AbortSignal {
    this.#signal ??= this.#signalOf();
    return this.#signal;
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= requestHeaders(this.#request);
    return this.#requestHeader;
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers();
    return this.#responseTrailer;
  }

  /** What the handler has put into its answer's headers and trailers. */
  written(): { readonly header: Record<string, string>; readonly trailer: Record<string, string> } {
    return {
      header: Object.fromEntries(this.#responseHeader ?? []),
      trailer: Object.fromEntries(this.#responseTrailer ?? []),
    };
  }

  #signalOf(): AbortSignal {
    const ended = new AbortController();
    const { stream } = this.#request;
    if (stream.destroyed) ended.abort();
    else stream.once('close', () => ended.abort());
    const ms = this.timeoutMs();
    if (ms === undefined) return ended.signal;
    const longest = Math.min(Math.max(0, Math.ceil(ms)), 2 ** 31 - 1);
    return AbortSignal.any([ended.signal, AbortSignal.timeout(longest)]);
  }
}

function requestHeaders({ headers }: Http2ServerRequest): Headers {
  const entries = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
  return new Headers(
    entries.flatMap(([name, value]) =>
      [value ?? []].flat().map((each): [string, string] => [name, each]),
    ),
  );
}
