import { createSecureServer, type Http2ServerRequest, type ServerHttp2Session } from 'node:http2';
import type { Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type ConnectRouter, createContextValues } from '@connectrpc/connect';
import type { Clock } from '../lib/clock.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { grpcHandler } from '../lib/grpc-handler.ts';
import { keepAlive } from '../lib/http2-keepalive.ts';
import { pacedListener } from '../lib/paced-listener.ts';
import type { Task } from '../lib/tasks.ts';
import type { Watchable } from '../lib/watchable.ts';
import { tellTime } from '../xds/time-header.ts';
import { peerEvidenceKey, peerEvidenceOf } from './peer-evidence.ts';
import type { ServerIdentity } from './server-identity.ts';

export interface GrpcServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly identity: Watchable<ServerIdentity>;
  readonly routes: (router: ConnectRouter) => void;
  readonly clock: Clock;
}

const LARGEST_MESSAGE_BYTES = 4 * 1024 * 1024;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const MOST_STREAMS = 256;
const PING_INTERVAL_MS = 15_000;
const PING_TIMEOUT_MS = 10_000;

/**
 * gRPC over TLS 1.3 (port 15012). Client certificates are asked for and judged by the services: a
 * caller that enrols has none yet.
 *
 * @throws {MeshError} ERR_LISTEN when the address is taken or not ours.
 */
export async function startGrpcServer(
  options: GrpcServerOptions,
): Promise<{ readonly port: number; readonly run: Task }> {
  const { identity, listen } = options;
  const handler = grpcHandler({
    routes: options.routes,
    interceptors: [tellTime(() => options.clock.now())],
    readMaxBytes: LARGEST_MESSAGE_BYTES,
    contextValues: (request) =>
      createContextValues().set(peerEvidenceKey, peerEvidenceOf(socketOf(request))),
  });
  const server = createSecureServer(
    {
      ...secrets(identity.current),
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      settings: { maxConcurrentStreams: MOST_STREAMS },
    },
    handler,
  );
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
    keepAlive(session, { intervalMs: PING_INTERVAL_MS, timeoutMs: PING_TIMEOUT_MS });
  });
  const door = pacedListener({ admit: (socket) => server.emit('connection', socket) });
  await listening(door, listen);
  const address = door.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : listen.port,
    async run(signal) {
      const stop = identity.subscribe((next) => server.setSecureContext(secrets(next)));
      await new Promise<void>((resolve) => {
        if (signal.aborted) return resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      stop();
      const closed = new Promise<void>((resolve) => door.close(() => resolve()));
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

function secrets({ key, cert, ca }: ServerIdentity): { key: string; cert: string; ca: string } {
  return { key, cert, ca };
}

function socketOf(request: unknown): TLSSocket {
  const { stream } = request as Http2ServerRequest;
  return stream.session?.socket as TLSSocket;
}

async function listening(
  server: Server,
  { host, port }: GrpcServerOptions['listen'],
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const hint =
        error.code === 'EADDRINUSE'
          ? 'another program listens there; stop it or choose another port with --xds'
          : messageOf(error);
      reject(
        new MeshError('ERR_LISTEN', `cannot listen on ${host}:${port}: ${hint}`, { cause: error }),
      );
    };
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}
