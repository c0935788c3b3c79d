import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import {
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createServiceImplSpec,
  type Interceptor,
} from '@connectrpc/connect';
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { answerUnary, isPlainCall, type UnaryMethod } from './unary-call.ts';

/** What `node:http2` servers are given. */
export type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

export interface GrpcHandlerOptions {
  readonly routes: (router: ConnectRouter) => void;
  readonly readMaxBytes: number;
  /** What the RPC handlers are told of a request's connection. */
  readonly contextValues: (request: Http2ServerRequest) => ContextValues;
  /** Where there are any, unary calls are not answered the short way. */
  readonly interceptors?: readonly Interceptor[];
  /** Headers of each answer that is no error. */
  readonly answerHeaders?: () => Readonly<Record<string, string>>;
  /** Default: gzip is understood. False where each answer would be compressed per subscriber. */
  readonly compression?: boolean;
  /** Answers what no route is for. Default 404. */
  readonly fallback?: Http2Handler;
}

const BAD_REQUEST = 400;
const NOT_FOUND = 404;

/**
 * Serves gRPC alone from `node:http2`, and neither throws nor prints: connect-node's own adapter
 * (2.2.0) writes a stack trace to stderr for each caller that goes away in the middle of an answer,
 * which is thousands of lines when a fleet reconnects, and lets a request end the process. It builds a
 * URL of `:authority`, which is the caller's to choose and which nothing here looks at: gRPC's C core
 * sends the percent-encoded path of a Unix socket, and that URL does not parse.
 */
export function grpcHandler(options: GrpcHandlerOptions): Http2Handler {
  const { interceptors = [], readMaxBytes, contextValues, fallback = notFound } = options;
  const { answerHeaders: headers = () => ({}) } = options;
  const router = createConnectRouter({
    connect: false,
    grpcWeb: false,
    interceptors: [...interceptors, withHeaders(headers)],
    readMaxBytes,
    acceptCompression: options.compression === false ? [] : [compressionGzip],
  });
  const unary = new Map<string, UnaryMethod>();
  options.routes(interceptors.length === 0 ? notingUnary(router, unary) : router);
  const methods = new Map(router.handlers.map((method) => [method.requestPath, method]));

  async function answer(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const path = request.url.split('?', 1)[0] ?? '';
    const method = methods.get(path);
    if (method === undefined) return fallback(request, response);
    const values = contextValues(request);
    const byConnect = async (body?: AsyncIterable<Uint8Array>): Promise<void> => {
      request.headers[':authority'] = 'localhost';
      delete request.headers['host'];
      const call = universalRequestFromNodeRequest(request, response, undefined, values);
      const whole = body === undefined ? call : { ...call, body };
      await universalResponseToNodeResponse(await method(whole), response);
    };
    const plain = unary.get(path);
    if (plain === undefined || !isPlainCall(request.headers)) return byConnect();
    const otherwise = (body: AsyncIterable<Uint8Array>): void => tried(byConnect(body), response);
    answerUnary(request, response, { method: plain, values, headers, readMaxBytes, otherwise });
  }

  return (request, response) => tried(answer(request, response), response);
}

/** What fails in a handler is part of its answer; what fails here is that nobody is there to take it. */
function tried(answering: Promise<void>, response: Http2ServerResponse): void {
  answering.catch(() => {
    if (!response.headersSent) response.writeHead(BAD_REQUEST);
    response.end();
  });
}

function withHeaders(headers: () => Readonly<Record<string, string>>): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    for (const [name, value] of Object.entries(headers())) response.header.set(name, value);
    return response;
  };
}

/** A router that also puts the unary methods that it is given into `unary`, by their paths. */
function notingUnary(router: ConnectRouter, unary: Map<string, UnaryMethod>): ConnectRouter {
  const noting: ConnectRouter = {
    ...router,
    service: (service, implementation, options) => {
      const { methods } = createServiceImplSpec(service, implementation);
      for (const spec of Object.values(methods)) {
        if (spec.kind === 'unary') unary.set(`/${service.typeName}/${spec.method.name}`, spec);
      }
      router.service(service, implementation, options);
      return noting;
    },
  };
  return noting;
}

function notFound(_request: Http2ServerRequest, response: Http2ServerResponse): void {
  response.writeHead(NOT_FOUND);
  response.end();
}
