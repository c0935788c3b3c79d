import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { aborted } from '../lib/aborted.ts';
import { listenOn } from '../lib/listen-on.ts';
import type { Task } from '../lib/tasks.ts';
import type { Watchable } from '../lib/watchable.ts';
import { type ApiHandler, errorAnswer } from './api-handler.ts';
import type { ApiAnswer, ApiRequest } from './api-request.ts';
import { OpenRequests } from './open-requests.ts';
import type { Caller, Credentials } from './rights/authenticate.ts';
import { StatusError, statusOf } from './status-error.ts';
import { writeAnswer } from './writes/write-answer.ts';

/** What the listener shows to clients, PEM. */
export interface ServingIdentity {
  readonly key: string;
  readonly cert: string;
}

/** What was asked and how it was answered; never a body and never a credential. */
export interface AnsweredRequest {
  readonly method: string;
  readonly url: string;
  readonly accept: string;
  readonly contentType: string;
  readonly userAgent: string;
  readonly status: number;
}

export interface ApiListenerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly identity: Watchable<ServingIdentity>;
  /** The CA, PEM, whose certificates are those of API clients, and of nobody else. */
  readonly clientCa: string;
  readonly authenticate: (credentials: Credentials) => Promise<Caller>;
  readonly handler: ApiHandler;
  /** Told of every exchange, without what is in it. */
  readonly answered?: ((exchange: AnsweredRequest) => void) | undefined;
  /** A reader of a stream who does not read for so long is cut. Default 60 s. */
  readonly stallMs?: number;
}

/** As much as Kubernetes takes of one request. */
const LARGEST_BODY_BYTES = 3 * 1024 * 1024;
const MOST_CONNECTIONS = 4_096;
const MOST_STREAMS = 1_000;
const OPEN = { most: 1_024, mostLasting: 8_192 };
const KEEP_ALIVE_MS = 180_000;
const STALL_MS = 60_000;

type Request = Http2ServerRequest;
type Response = Http2ServerResponse;

/**
 * Serves the API over TLS, HTTP/2 and HTTP/1.1.
 *
 * @throws {MeshError} ERR_LISTEN when the address cannot be had.
 */
export async function startApiListener(
  options: ApiListenerOptions,
): Promise<{ readonly port: number; readonly run: Task }> {
  const { host, port, identity, clientCa } = options;
  const tls = (current: ServingIdentity) => ({
    key: current.key,
    cert: current.cert,
    ca: clientCa,
    minVersion: 'TLSv1.2' as const,
  });
  // Node takes it for HTTP/1.1, its types do not know.
  const http1: object = { keepAliveTimeout: KEEP_ALIVE_MS };
  const server = createSecureServer({
    ...tls(identity.current),
    allowHTTP1: true,
    requestCert: true,
    // Who has no certificate may bring a token, and anybody may ask for the version.
    rejectUnauthorized: false,
    maxHeaderListPairs: 256,
    settings: { maxConcurrentStreams: MOST_STREAMS },
    ...http1,
  });
  server.maxConnections = MOST_CONNECTIONS;
  const stopFollowing = identity.subscribe((next) => server.setSecureContext(tls(next)));
  const stopping = new AbortController();
  const sockets = trackSockets(server);
  const open = new OpenRequests(OPEN);
  server.on('request', (request, response) => {
    void serve({ request, response, options, open, stop: stopping.signal });
  });
  const bound = await listenOn(server, {
    host,
    port,
    purpose: 'the resource API',
    insteadWith: 'with --api-listen',
  });
  return {
    port: bound,
    async run(signal) {
      await aborted(signal);
      stopFollowing();
      stopping.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function trackSockets(server: Http2SecureServer): ReadonlySet<TLSSocket> {
  const sockets = new Set<TLSSocket>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A peer that resets its connection is no news.
    socket.on('error', () => socket.destroy());
  });
  server.on('sessionError', () => {});
  return sockets;
}

interface Exchange {
  readonly request: Request;
  readonly response: Response;
  readonly options: ApiListenerOptions;
  readonly open: OpenRequests;
  readonly stop: AbortSignal;
}

async function serve({ request, response, options, open, stop }: Exchange): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.on('error', () => gone.abort());
  const answered = await answerOf({ request, response, options, open });
  options.answered?.({ ...aboutRequest(request), status: answered.status });
  await writeAnswer(answered, {
    method: request.method,
    acceptEncoding: String(request.headers['accept-encoding'] ?? ''),
    response,
    stallMs: options.stallMs ?? STALL_MS,
    signal: AbortSignal.any([gone.signal, stop]),
  });
}

function aboutRequest({ method, url, headers }: Request): Omit<AnsweredRequest, 'status'> {
  const text = (name: string): string => String(headers[name] ?? '');
  const [accept, contentType, userAgent] = [
    text('accept'),
    text('content-type'),
    text('user-agent'),
  ];
  return { method, url, accept, contentType, userAgent };
}

async function answerOf({
  request,
  response,
  options,
  open,
}: Omit<Exchange, 'stop'>): Promise<ApiAnswer> {
  try {
    const place = open.enter();
    response.once('close', () => place.leave());
    const headers = headersOf(request);
    const socket = socketOf(request);
    const caller = await options.authenticate({ certificate: certificateOf(socket), headers });
    const url = new URL(request.url, 'https://api');
    const whole: ApiRequest = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: await bodyOf(request),
      user: caller.user,
      ...(caller.impersonatedBy === undefined ? {} : { impersonatedBy: caller.impersonatedBy }),
      peerAddress: socket?.remoteAddress ?? '',
    };
    const answer = await options.handler(whole);
    if ('stream' in answer) place.last();
    return answer;
  } catch (error) {
    return errorAnswer(statusOf(error));
  }
}

function headersOf({ headers }: Request): Readonly<Record<string, string | undefined>> {
  const own = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : value,
  ]);
  const host = headers[':authority'] ?? headers['host'];
  return Object.fromEntries([...own, ['host', host]]);
}

function socketOf(request: Request): TLSSocket | undefined {
  // Of HTTP/2 the stream knows the session's socket, of HTTP/1.1 the request has its own.
  const { stream } = request as { readonly stream?: Request['stream'] };
  return (stream?.session?.socket ?? request.socket) as TLSSocket | undefined;
}

/** Of each connection that has one; Node builds it anew, with every field, whenever it is asked. */
const certificates = new WeakMap<TLSSocket, Credentials['certificate']>();

function certificateOf(socket: TLSSocket | undefined): Credentials['certificate'] {
  if (socket === undefined) return undefined;
  const known = certificates.get(socket);
  if (known !== undefined) return known;
  const certificate = readCertificate(socket);
  if (certificate !== undefined) certificates.set(socket, certificate);
  return certificate;
}

function readCertificate(socket: TLSSocket): Credentials['certificate'] {
  const certificate = socket.getPeerCertificate();
  if (certificate === undefined || Object.keys(certificate).length === 0) return undefined;
  const { CN, O } = certificate.subject as { CN?: string | string[]; O?: string | string[] };
  return {
    trusted: socket.authorized === true,
    commonName: typeof CN === 'string' ? CN : '',
    organizations: [O ?? []].flat(),
  };
}

async function bodyOf(request: Request): Promise<Uint8Array> {
  if (request.method === 'GET' || request.method === 'HEAD') return new Uint8Array();
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new StatusError(
      'UnsupportedMediaType',
      `the body has the Content-Encoding ${JSON.stringify(encoding)}; send it as it is`,
    );
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > LARGEST_BODY_BYTES) {
      throw new StatusError(
        'RequestEntityTooLarge',
        `Request entity too large: limit is ${LARGEST_BODY_BYTES}`,
      );
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
