import { connect, createServer, type OutgoingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  createContextValues,
  type HandlerContext,
  type Interceptor,
} from '@connectrpc/connect';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../test/kit/eventually.ts';
import { Health, HealthCheckRequestSchema } from '../gen/grpc/health/v1/health_pb.js';
import { grpcHandler } from './grpc-handler.ts';

const PATH = '/grpc.health.v1.Health/Check';
const READ_MAX_BYTES = 1_000;
const handedOn: Interceptor = (next) => next;

type Check = (service: string, context: HandlerContext) => Promise<{ status: number }>;

const failing: Record<string, () => Promise<never>> = {
  refused: async () => {
    throw new ConnectError('nicht für "dich"', Code.PermissionDenied);
  },
  cut: async () => {
    throw new ConnectError('half a \ud83d', Code.Unavailable);
  },
  broken: async () => {
    throw new TypeError('unforeseen');
  },
};
const check: Check = async (service, context) => {
  context.responseHeader.set('seen', context.requestHeader.get('authorization') ?? 'nothing');
  context.responseTrailer.set('url', context.url);
  return (await failing[service]?.()) ?? { status: service.length };
};

interface Answer {
  readonly head: OutgoingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: OutgoingHttpHeaders;
}

async function ask(
  answered: Check,
  interceptors: readonly Interceptor[],
  { headers = {}, chunks }: { headers?: OutgoingHttpHeaders; chunks: readonly Uint8Array[] },
): Promise<Answer> {
  const server = createServer(
    grpcHandler({
      routes: (router) =>
        router.service(Health, { check: ({ service }, context) => answered(service, context) }),
      readMaxBytes: READ_MAX_BYTES,
      contextValues: createContextValues,
      answerHeaders: () => ({ 'told-time': '12' }),
      interceptors,
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  const stream = session.request({
    ...{ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers' },
    ...headers,
  });
  const answer = new Promise<Answer>((resolve, reject) => {
    let head: OutgoingHttpHeaders = {};
    let trailers: OutgoingHttpHeaders = {};
    const body: Buffer[] = [];
    stream.on('response', ({ date: _, ...rest }) => {
      head = rest;
    });
    stream.on('trailers', (rest) => {
      trailers = rest;
    });
    stream.on('data', (chunk: Buffer) => body.push(chunk));
    stream.on('error', reject);
    stream.on('close', () => resolve({ head, body: Buffer.concat(body), trailers }));
  });
  for (const chunk of chunks) {
    stream.write(chunk);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  stream.end();
  return answer;
}

function frame(payload: Uint8Array, flags = 0, length = payload.length): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, payload]);
}

const message = (service: string): Uint8Array =>
  toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }));
const whole = frame(message('a name'));

it.each<[string, { headers?: OutgoingHttpHeaders; chunks: readonly Uint8Array[] }, string?]>([
  ['a plain call', { chunks: [whole] }, '0'],
  [
    'one in pieces',
    { chunks: [whole.subarray(0, 3), whole.subarray(3, 7), whole.subarray(7)] },
    '0',
  ],
  [
    'headers',
    { headers: { authorization: 'Bearer x', 'grpc-timeout': '5S' }, chunks: [whole] },
    '0',
  ],
  [
    'what is named by its codec',
    { headers: { 'content-type': 'application/grpc+proto' }, chunks: [whole] },
    '0',
  ],
  [
    'what is compressed',
    { headers: { 'grpc-encoding': 'gzip' }, chunks: [frame(gzipSync(message('a name')), 1)] },
    '0',
  ],
  ['an unknown compression', { headers: { 'grpc-encoding': 'br' }, chunks: [whole] }, '12'],
  ['a flag without compression', { chunks: [frame(message('a name'), 1)] }, '13'],
  ['a deadline that cannot be read', { headers: { 'grpc-timeout': 'soon' }, chunks: [whole] }, '3'],
  ['no message', { chunks: [] }, '12'],
  ['two messages', { chunks: [whole, whole] }, '12'],
  ['half a message', { chunks: [whole.subarray(0, 8)] }, '3'],
  ['half a head', { chunks: [whole.subarray(0, 3)] }, '3'],
  ['what is no message', { chunks: [frame(Uint8Array.of(0xff, 0xff))] }, '13'],
  ['a message that is too large', { chunks: [frame(message('x'.repeat(2_000)))] }, '8'],
  ['one that says it is', { chunks: [frame(message('x'), 0, 2 ** 31)] }, '8'],
  ['a refusal', { chunks: [frame(message('refused'))] }, '7'],
  ['what nobody foresaw', { chunks: [frame(message('broken'))] }, '13'],
  [
    'JSON',
    {
      headers: { 'content-type': 'application/grpc+json' },
      chunks: [frame(Buffer.from('{"service":"ab"}'))],
    },
    '0',
  ],
  ['another type', { headers: { 'content-type': 'text/plain' }, chunks: [whole] }],
  ['another method', { headers: { ':method': 'PUT' }, chunks: [whole] }],
])('answers %s as connect does', async (_name, call, status) => {
  const [own, connects] = await Promise.all([ask(check, [], call), ask(check, [handedOn], call)]);
  expect(own).toEqual(connects);
  expect(own.trailers['grpc-status']).toBe(status);
});

it('tells a handler that the caller is gone', async () => {
  let signal: AbortSignal | undefined;
  const waiting: Check = async (_service, context) => {
    signal = context.signal;
    return new Promise(() => undefined);
  };
  const answer = ask(waiting, [], { headers: { 'grpc-timeout': '20m' }, chunks: [whole] });
  await eventually('the deadline passes', () => signal?.aborted === true);
  answer.catch(() => undefined);
});

it('answers a reason that was cut in the middle of a character', async () => {
  const { trailers } = await ask(check, [], { chunks: [frame(message('cut'))] });
  expect(trailers).toMatchObject({ 'grpc-status': '14', 'grpc-message': 'half%20a%20%EF%BF%BD' });
});
