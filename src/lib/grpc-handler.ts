import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import {
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  type Interceptor,
} from '@connectrpc/connect';
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';

/** What `node:http2` servers are given. */
export type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

export interface GrpcHandlerOptions {
  readonly routes: (router: ConnectRouter) => void;
  readonly readMaxBytes: number;
  /** What the RPC handlers are told of a request's connection. */
  readonly contextValues: (request: Http2ServerRequest) => ContextValues;
  readonly interceptors?: readonly Interceptor[];
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
  const router = createConnectRouter({
    connect: false,
    grpcWeb: false,
    interceptors: [...interceptors],
    readMaxBytes,
    acceptCompression: options.compression === false ? [] : [compressionGzip],
  });
  options.routes(router);
  const methods = new Map(router.handlers.map((method) => [method.requestPath, method]));

  async function answer(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const { headers } = request;
    headers[':authority'] = 'localhost';
    delete headers['host'];
    const method = methods.get(request.url.split('?', 1)[0] ?? '');
    if (method === undefined) return fallback(request, response);
    const values = contextValues(request);
    const call = universalRequestFromNodeRequest(request, response, undefined, values);
    await universalResponseToNodeResponse(await method(call), response);
  }

  return (request, response) => {
    // What fails in a handler is part of its answer; what fails here is that nobody is there to take it.
    answer(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(BAD_REQUEST);
      response.end();
    });
  };
}

function notFound(_request: Http2ServerRequest, response: Http2ServerResponse): void {
  response.writeHead(NOT_FOUND);
  response.end();
}
