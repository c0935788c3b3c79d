import {
  createServer,
  type Http2ServerRequest,
  type Http2Session,
  type ServerHttp2Session,
} from 'node:http2';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  Code,
  type ConnectRouter,
  createContextValues,
  type Interceptor,
} from '@connectrpc/connect';
import { ticksSinceBoot } from '../../attestation/boot-clock.ts';
import type { Connected } from '../../attestation/caller-process.ts';
import { peerCredentials } from '../../attestation/peer-credentials.ts';
import { aborted } from '../../lib/aborted.ts';
import { descriptorOf } from '../../lib/descriptor-of.ts';
import { MeshError } from '../../lib/errors.ts';
import { grpcHandler } from '../../lib/grpc-handler.ts';
import { listenOnPath } from '../../lib/listen-on-path.ts';
import type { Task } from '../../lib/tasks.ts';
import { callerKey } from './socket-caller.ts';

export interface UnixGrpcServerOptions {
  readonly socketPath: string;
  /** Of the socket file. Who is answered is decided by the caller's uid, not by this. */
  readonly mode: number;
  readonly routes: (router: ConnectRouter) => void;
  readonly interceptors: readonly Interceptor[];
}

const LARGEST_MESSAGE_BYTES = 1024 * 1024;
const MOST_CONNECTIONS = 256;
const MOST_STREAMS = 128;
/** How long clients have, at the end, to take what was sent to them. */
const LAST_WORDS_MS = 500;
/** Of the event loop: more than an answer takes from its handler to the socket. */
const LAST_TURNS = 20;

/**
 * Serves gRPC without TLS on a Unix socket. The socket appears under its name when it already answers,
 * in one step, also over that of a predecessor; at the end it is removed unless a successor's is there.
 *
 * @throws {MeshError} ERR_LISTEN when the socket cannot be made.
 */
export async function startUnixGrpcServer(options: UnixGrpcServerOptions): Promise<Task> {
  const { socketPath } = options;
  const handler = grpcHandler({
    routes: options.routes,
    interceptors: options.interceptors,
    compression: false,
    readMaxBytes: LARGEST_MESSAGE_BYTES,
    fallback: unimplemented,
    contextValues: (request) => {
      const caller = callerOf(request.stream.session);
      return caller === undefined
        ? createContextValues()
        : createContextValues().set(callerKey, caller);
    },
  });
  const server = createServer({ settings: { maxConcurrentStreams: MOST_STREAMS } }, handler);
  server.maxConnections = MOST_CONNECTIONS;
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    sessions.add(session);
    callerOf(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  const removeName = await listenOnPath(server, { path: socketPath, mode: options.mode });
  return async (signal) => {
    await aborted(signal);
    removeName();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of sessions) session.close();
    const cut = setTimeout(async () => {
      // Time passes for a process that stood still, too: what it had to say goes out first.
      for (let turn = 0; turn < LAST_TURNS; turn += 1) await nextTurn();
      // A session that was told to close waits for its peer, which may never read what it was sent.
      for (const socket of sockets) socket.destroy();
    }, LAST_WORDS_MS);
    await closed;
    clearTimeout(cut);
  };
}

/** What a gRPC client is told of a method that is not there, such as those of later specifications. */
function unimplemented({ stream }: Http2ServerRequest): void {
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(Code.Unimplemented),
      'grpc-message': 'this socket has no such method',
    },
    // Status and end in one frame: gRPC's C core does not look at a status that more could follow.
    { endStream: true },
  );
}

const bySession = new WeakMap<object, Connected>();

/** Read once, when the connection was accepted; the kernel noted it when the caller connected. */
function callerOf(session: Http2Session | undefined): Connected | undefined {
  if (session === undefined) return undefined;
  const known = bySession.get(session);
  if (known !== undefined) return known;
  try {
    const atTicks = ticksSinceBoot();
    const caller = { credentials: peerCredentials(descriptorOf(session.socket) ?? -1), atTicks };
    bySession.set(session, caller);
    return caller;
  } catch (error) {
    // Nobody known is nobody allowed.
    if (MeshError.is(error)) return undefined;
    throw error;
  }
}
