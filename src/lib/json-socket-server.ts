import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { aborted } from './aborted.ts';
import { MeshError, messageOf } from './errors.ts';
import { listenOnPath } from './listen-on-path.ts';
import type { Task } from './tasks.ts';

export interface JsonRequest {
  readonly query: URLSearchParams;
  /** The parsed JSON body, undefined where there is none. */
  readonly body: unknown;
}

/** Answers one request with a JSON value. */
export type JsonRoute = (request: JsonRequest) => Promise<unknown>;

export interface JsonSocketOptions {
  readonly socketPath: string;
  /** By method and path: `GET /v1/status`. */
  readonly routes: Readonly<Record<string, JsonRoute>>;
}

const LARGEST_BODY_BYTES = 2 * 1024 * 1024;

/**
 * Serves a private HTTP and JSON interface on a Unix socket that only its owner may open (0600).
 *
 * @throws {MeshError} ERR_LISTEN when the socket cannot be made.
 */
export async function serveJsonSocket({ socketPath, routes }: JsonSocketOptions): Promise<Task> {
  const server = createServer((request, response) => {
    void answer(request, response, routes);
  });
  const removeName = await listenOnPath(server, { path: socketPath, mode: 0o600 });
  return async (signal) => {
    await aborted(signal);
    removeName();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: JsonSocketOptions['routes'],
): Promise<void> {
  try {
    const { pathname, searchParams } = targetOf(request);
    const route = routes[`${request.method} ${pathname}`];
    if (route === undefined) throw new MeshError('ERR_NOT_FOUND', `no such endpoint: ${pathname}`);
    const body = await readBody(request);
    send(response, 200, await route({ query: searchParams, body }));
  } catch (error) {
    const code = MeshError.is(error) ? error.code : 'ERR_STORE';
    send(response, MeshError.is(error) ? 400 : 500, { error: { code, message: messageOf(error) } });
  }
}

function targetOf({ url = '/' }: IncomingMessage): URL {
  const target = URL.parse(url, 'http://socket');
  if (target !== null) return target;
  throw new MeshError('ERR_NOT_FOUND', `no such endpoint: ${url}`);
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > LARGEST_BODY_BYTES) {
      throw new MeshError('ERR_LIMIT', `a request may have ${LARGEST_BODY_BYTES} bytes`);
    }
    chunks.push(chunk as Buffer);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (cause) {
    throw new MeshError('ERR_WIRE', 'the request body is not JSON', { cause });
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}
