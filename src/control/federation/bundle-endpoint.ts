import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { aborted } from '../../lib/aborted.ts';
import { messageOf } from '../../lib/errors.ts';
import { listenOn } from '../../lib/listen-on.ts';
import type { Task } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';

/** What the endpoint shows itself with, PEM. */
export interface EndpointSecrets {
  readonly key: string;
  readonly cert: string;
}

export interface BundleEndpointOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** https_web: an operator's certificate; https_spiffe: the control plane's own SVID. */
  readonly secrets: Watchable<EndpointSecrets>;
  /** The SPIFFE bundle as it is now. */
  readonly document: () => Promise<string>;
}

/** Mozilla's intermediate profile, in OpenSSL's names. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');
const PATH = '/';
const REQUEST_TIMEOUT_MS = 10_000;
const MOST_CONNECTIONS = 256;

/**
 * Serves the bundle of this trust domain to whoever asks (SPIFFE_Federation 5): GET, JSON, no client
 * authentication. Whatever is wrong is answered with text that no client can take for a bundle.
 *
 * @throws {MeshError} ERR_LISTEN when the address is taken or not ours.
 */
export async function startBundleEndpoint(
  options: BundleEndpointOptions,
): Promise<{ readonly port: number; readonly run: Task }> {
  const { secrets, listen } = options;
  const server = createServer(
    {
      ...pick(secrets.current),
      ciphers: CIPHERS,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      maxHeaderSize: 8 * 1024,
    },
    (request, response) => {
      void answer(request, response, options.document);
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const port = await listenOn(server, {
    ...listen,
    purpose: 'the bundle endpoint',
    insteadWith: 'with --bundle-endpoint',
  });
  return {
    port,
    async run(signal) {
      const stop = secrets.subscribe((next) => server.setSecureContext(pick(next)));
      await aborted(signal);
      stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function pick({ key, cert }: EndpointSecrets): EndpointSecrets & Record<string, string> {
  // setSecureContext forgets what it is not told again.
  return { key, cert, ciphers: CIPHERS, minVersion: 'TLSv1.2' };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  document: BundleEndpointOptions['document'],
): Promise<void> {
  const [path] = (request.url ?? '').split('?');
  if (path !== PATH) return refuse(response, 404, 'the bundle is at /');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return refuse(response, 405, 'only GET is answered');
  }
  try {
    const body = Buffer.from(await document());
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': body.length,
      'cache-control': 'no-cache',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  } catch (error) {
    refuse(response, 500, `no bundle can be served: ${messageOf(error)}`);
  }
}

/** In plain text: a client that looks at no status must find no bundle in it. */
function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`error: ${why}\n`);
}
