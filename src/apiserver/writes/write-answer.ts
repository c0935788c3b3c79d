import type { Http2ServerResponse } from 'node:http2';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { ApiAnswer, StreamSink } from '../api-request.ts';

const compress = promisify(gzip);

/** Below it compression costs more than it saves. */
const SMALLEST_COMPRESSED = 128 * 1024;

interface AnswerTarget {
  readonly method: string;
  readonly acceptEncoding: string;
  readonly response: Http2ServerResponse;
  /** Who does not read for so long is cut; nothing is buffered for them meanwhile. */
  readonly stallMs: number;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** Sends an answer. Never rejects: a client that has gone is no failure. */
export async function writeAnswer(answer: ApiAnswer, target: AnswerTarget): Promise<void> {
  const { response, signal, stallMs } = target;
  if (signal.aborted) return;
  try {
    if ('stream' in answer) {
      response.writeHead(answer.status, { ...answer.headers, 'cache-control': 'no-cache' });
      await answer.stream(sinkTo(response, { signal, stallMs }), signal);
      response.end();
    } else await writeWhole(answer, target);
  } catch {
    cut(response);
  }
}

/** Ends one exchange, whatever state it is in; of HTTP/2 the stream, of HTTP/1.1 the connection. */
function cut(response: Http2ServerResponse): void {
  const { stream } = response as { readonly stream?: Http2ServerResponse['stream'] };
  // The socket of HTTP/2 belongs to the session, and may not be touched.
  if (stream !== undefined) stream.destroy();
  else response.socket?.destroy();
}

async function writeWhole(
  { status, headers, body }: Extract<ApiAnswer, { body: unknown }>,
  { method, acceptEncoding, response }: AnswerTarget,
): Promise<void> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const small = bytes.length < SMALLEST_COMPRESSED || !/\bgzip\b/.test(acceptEncoding);
  const sent = small ? bytes : await compress(bytes, { level: constants.Z_BEST_SPEED });
  response.writeHead(status, {
    ...headers,
    ...(small ? {} : { 'content-encoding': 'gzip' }),
    ...(status === 304 ? {} : { 'content-length': String(sent.length) }),
  });
  if (method === 'HEAD') response.end();
  else response.end(sent);
}

type Patience = Pick<AnswerTarget, 'signal' | 'stallMs'>;

function sinkTo(response: Http2ServerResponse, patience: Patience): StreamSink {
  const { signal } = patience;
  let draining: Promise<void> | undefined;
  return {
    write(chunk) {
      if (signal.aborted) throw new Error('the client has gone');
      if (response.write(chunk)) return undefined;
      draining ??= drained(response, patience).finally(() => {
        draining = undefined;
      });
      return draining;
    },
  };
}

function drained(response: Http2ServerResponse, { signal, stallMs }: Patience): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      response.off('drain', onDrain);
      signal.removeEventListener('abort', onAbort);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onDrain = (): void => settle();
    const onAbort = (): void => settle(new Error('the client has gone'));
    const timer = setTimeout(() => settle(new Error('the client does not read')), stallMs);
    response.once('drain', onDrain);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
