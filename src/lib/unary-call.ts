import {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
} from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ContextValues,
  type createServiceImplSpec,
} from '@connectrpc/connect';
import { timeoutMsOf, UnaryContext } from './unary-context.ts';

type MethodSpec = ReturnType<typeof createServiceImplSpec>['methods'][string];

/** One message in, one out. */
export type UnaryMethod = Extract<MethodSpec, { readonly kind: 'unary' }>;

export interface UnaryCall {
  readonly method: UnaryMethod;
  readonly values: ContextValues;
  /** Of answers that are no errors. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly readMaxBytes: number;
  /** Answers what is not plain, given as much of the body as says so. */
  readonly otherwise: (body: AsyncIterable<Uint8Array>) => void;
}

const { NGHTTP2_INTERNAL_ERROR: INTERNAL_ERROR } = constants;
const HEAD_BYTES = 5;
const CONTENT_TYPE = 'application/grpc+proto';

/** Whether `answerUnary` may answer: protobuf, not compressed, and a deadline that can be read. */
export function isPlainCall(headers: IncomingHttpHeaders): boolean {
  const { 'content-type': type, 'grpc-encoding': encoding, 'grpc-timeout': timeout } = headers;
  return (
    headers[':method'] === 'POST' &&
    (type === 'application/grpc' || type === CONTENT_TYPE) &&
    (encoding === undefined || encoding === 'identity') &&
    (timeout === undefined || timeoutMsOf(String(timeout)) !== undefined)
  );
}

/**
 * Answers a plain unary gRPC call without the generators, abort controllers and header objects that
 * connect (2.2.0) makes for each: half of what signing a certificate allocated, a third of its time.
 * A body that is not exactly one message that can be read is left to `otherwise`.
 */
export function answerUnary(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  call: UnaryCall,
): void {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let isLeft = false;
  const leave = (): void => {
    isLeft = true;
    call.otherwise(bodyOf(chunks));
  };
  const { stream } = request;
  stream.on('data', (chunk: Uint8Array) => {
    if (isLeft) return;
    chunks.push(chunk);
    size += chunk.length;
    if (size > call.readMaxBytes + HEAD_BYTES) leave();
  });
  stream.once('end', () => {
    if (isLeft) return;
    const message = messageIn(chunks, call.method);
    if (message === undefined) leave();
    else answer(message, { request, response, call }).catch(() => stream.close(INTERNAL_ERROR));
  });
}

async function* bodyOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** Undefined where the body is not exactly one uncompressed message of the method's. */
function messageIn(chunks: readonly Uint8Array[], { method }: UnaryMethod) {
  const [first = new Uint8Array(), ...more] = chunks;
  const body = more.length === 0 ? first : Buffer.concat(chunks);
  if (body.length < HEAD_BYTES || body[0] !== 0) return undefined;
  const length = new DataView(body.buffer, body.byteOffset, HEAD_BYTES).getUint32(1);
  if (length !== body.length - HEAD_BYTES) return undefined;
  try {
    return fromBinary(method.input, body.subarray(HEAD_BYTES));
  } catch {
    return undefined;
  }
}

interface Exchange {
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
  readonly call: UnaryCall;
}

async function answer(
  message: NonNullable<ReturnType<typeof messageIn>>,
  { request, response, call }: Exchange,
): Promise<void> {
  const { method, impl } = call.method;
  const context = new UnaryContext(request, { method, service: method.parent }, call.values);
  try {
    const output = await impl(message, context);
    const frame = frameOf(toBinary(method.output, create(method.output, output)));
    end(response, context, { header: call.headers(), trailer: { 'grpc-status': '0' }, frame });
  } catch (error) {
    const unforeseen = new ConnectError('internal error', Code.Internal);
    const { code, rawMessage } = error instanceof ConnectError ? error : unforeseen;
    const grpcMessage = encodeURIComponent(rawMessage.toWellFormed());
    end(response, context, {
      trailer: { 'grpc-status': String(code), 'grpc-message': grpcMessage },
    });
  }
}

interface End {
  readonly header?: Readonly<Record<string, string>>;
  readonly trailer: Readonly<Record<string, string>>;
  readonly frame?: Uint8Array;
}

/** Nothing where the caller is gone already. */
function end(
  response: Http2ServerResponse,
  context: UnaryContext,
  { header, trailer, frame }: End,
): void {
  if (response.stream.destroyed || response.stream.closed) return;
  const written = context.written();
  response.writeHead(200, { 'content-type': CONTENT_TYPE, ...header, ...written.header });
  response.addTrailers({ ...written.trailer, ...trailer });
  if (frame === undefined) response.end();
  else response.end(frame);
}

function frameOf(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, HEAD_BYTES);
  return frame;
}
