import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { aborted } from '../../lib/aborted.ts';
import { listenOn } from '../../lib/listen-on.ts';
import type { Task } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { ServerIdentity } from '../server-identity.ts';
import type { OidcDocument } from './oidc-documents.ts';

export interface OidcServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly identity: Watchable<ServerIdentity>;
  readonly documents: (path: string) => OidcDocument | undefined;
}

const MOST_CONNECTIONS = 256;
const REQUEST_TIMEOUT_MS = 10_000;
const LARGEST_HEADER_BYTES = 8 * 1024;

/**
 * Serves the documents by HTTPS to anybody, GET and HEAD only. TLS 1.2 is taken: verifiers are
 * programs of others, and there is nothing secret to read.
 *
 * @throws {MeshError} ERR_LISTEN when the address is taken or not ours.
 */
export async function startOidcServer(
  options: OidcServerOptions,
): Promise<{ readonly port: number; readonly run: Task }> {
  const { identity, listen, documents } = options;
  const server = createServer(
    {
      ...secrets(identity.current),
      minVersion: 'TLSv1.2',
      maxHeaderSize: LARGEST_HEADER_BYTES,
      requestTimeout: REQUEST_TIMEOUT_MS,
      handshakeTimeout: REQUEST_TIMEOUT_MS,
    },
    (request, response) => answer(request, response, documents),
  );
  server.maxConnections = MOST_CONNECTIONS;
  const port = await listenOn(server, { ...listen, insteadWith: 'with --oidc' });
  return {
    port,
    async run(signal) {
      const stop = identity.subscribe((next) => server.setSecureContext(secrets(next)));
      await aborted(signal);
      stop();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function secrets({ key, cert }: ServerIdentity): { key: string; cert: string } {
  return { key, cert };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  documents: OidcServerOptions['documents'],
): void {
  // What a caller sends along is read by nobody.
  request.resume();
  const [path = ''] = (request.url ?? '').split('?');
  const document = documents(path);
  const text = { 'content-type': 'text/plain' };
  if (document === undefined) {
    response.writeHead(404, text).end('not found\n');
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { ...text, allow: 'GET, HEAD' }).end('GET and HEAD only\n');
  } else {
    const { contentType, maxAgeS, body } = document;
    response.writeHead(200, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'cache-control': `public, max-age=${maxAgeS}`,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}
