import { createSecureServer, type Http2ServerRequest, type ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { type ConnectRouter, createContextValues } from '@connectrpc/connect';
import { aborted } from '../lib/aborted.ts';
import type { Clock } from '../lib/clock.ts';
import { grpcHandler } from '../lib/grpc-handler.ts';
import { keepAlive } from '../lib/http2-keepalive.ts';
import { listenOn } from '../lib/listen-on.ts';
import { pacedListener } from '../lib/paced-listener.ts';
import type { Task } from '../lib/tasks.ts';
import type { Watchable } from '../lib/watchable.ts';
import { timeHeader } from '../xds/time-header.ts';
import { peerEvidenceKey, peerEvidenceOf } from './issuance/peer-evidence.ts';
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
    answerHeaders: () => timeHeader(options.clock.now()),
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
  const port = await listenOn(door, { ...listen, insteadWith: 'with --xds' });
  return {
    port,
    async run(signal) {
      const stop = identity.subscribe((next) => server.setSecureContext(secrets(next)));
      await aborted(signal);
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
