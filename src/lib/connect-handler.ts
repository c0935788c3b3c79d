import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

/** What `node:http2` servers are given. */
export type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

const BAD_REQUEST = 400;

/**
 * A connect-node (2.2.0) handler that no request can make throw. That library builds a URL of
 * `:authority`, which is the caller's to choose and which nothing here looks at: gRPC's C core sends
 * the percent-encoded path of a Unix socket, the URL does not parse, and the exception ends the process.
 */
export function connectHandler(handler: (request: never, response: never) => void): Http2Handler {
  return (request, response) => {
    const { headers } = request;
    headers[':authority'] = 'localhost';
    delete headers['host'];
    try {
      handler(request as never, response as never);
    } catch {
      if (!response.headersSent) response.writeHead(BAD_REQUEST);
      response.end();
    }
  };
}
