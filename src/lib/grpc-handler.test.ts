import {
  type ClientHttp2Stream,
  connect,
  createServer,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createContextValues } from '@connectrpc/connect';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../test/kit/eventually.ts';
import { Health } from '../gen/grpc/health/v1/health_pb.js';
import { type GrpcHandlerOptions, grpcHandler } from './grpc-handler.ts';

const PATH = '/grpc.health.v1.Health/Check';

/** A request to a server of the health service, whose check does as told. */
async function request(
  check: () => Promise<object>,
  headers: OutgoingHttpHeaders = {},
  options: Partial<GrpcHandlerOptions> = {},
): Promise<ClientHttp2Stream> {
  const server = createServer(
    grpcHandler({
      routes: (router) => router.service(Health, { check }),
      readMaxBytes: 1_000,
      contextValues: createContextValues,
      ...options,
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  const stream = session.request({
    ...{ ':method': 'POST', ':path': PATH },
    ...{ 'content-type': 'application/grpc', te: 'trailers', ...headers },
  });
  stream.end(Buffer.alloc(5));
  return stream;
}

function statusOf(stream: ClientHttp2Stream): Promise<unknown> {
  return new Promise((resolve, reject) => {
    stream.once('response', (response) => resolve(response[':status']));
    stream.once('error', reject);
  });
}

function grpcStatusOf(stream: ClientHttp2Stream): Promise<unknown> {
  stream.resume();
  return new Promise((resolve, reject) => {
    stream.once('trailers', (trailers) => resolve(trailers['grpc-status']));
    stream.once('response', (head) => {
      if (head['grpc-status'] !== undefined) resolve(head['grpc-status']);
    });
    stream.once('error', reject);
  });
}

const serving = async () => ({ status: 1 });

it.each(['tmp%2Fagent.sock', '[', 'x:99999999'])(
  'answers a request whose authority is "%s"',
  async (authority) => {
    expect(await grpcStatusOf(await request(serving, { ':authority': authority }))).toBe('0');
  },
);

it('answers what a handler throws as a gRPC status', async () => {
  const failing = async () => {
    throw new TypeError('unforeseen');
  };
  expect(await grpcStatusOf(await request(failing))).toBe('13');
});

it('answers 400 where the caller cannot be described', async () => {
  const contextValues = () => {
    throw new TypeError('unforeseen');
  };
  expect(await statusOf(await request(serving, {}, { contextValues }))).toBe(400);
});

it('answers 404 to what is not there, or as it was told to', async () => {
  const elsewhere = { ':path': '/grpc.health.v1.Health/Nothing' };
  expect(await statusOf(await request(serving, elsewhere))).toBe(404);
  const fallback: GrpcHandlerOptions['fallback'] = (_request, response) => {
    response.writeHead(418);
    response.end();
  };
  expect(await statusOf(await request(serving, elsewhere, { fallback }))).toBe(418);
});

it('says nothing on stderr when the caller goes away before its answer', async () => {
  const printed: unknown[] = [];
  const { error } = console;
  console.error = (...words) => printed.push(words);
  onTestFinished(() => {
    console.error = error;
  });
  let asked = false;
  let answered = false;
  const gone = Promise.withResolvers<void>();
  const stream = await request(async () => {
    asked = true;
    await gone.promise;
    answered = true;
    return { status: 1 };
  });
  stream.on('error', () => undefined);
  await eventually('the call comes', () => asked);
  stream.session?.destroy();
  await new Promise((resolve) => stream.once('close', resolve));
  gone.resolve();
  await eventually('the call ends', () => answered);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(printed).toEqual([]);
});
