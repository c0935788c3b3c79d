import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp2Server } from 'node:http2';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { AggregatedDiscoveryService } from '../../src/gen/envoy/service/discovery/v3/ads_pb.js';
import type { AdsConnection } from '../../src/xds/ads-client.ts';
import { aggregatedDiscovery, type ServeDelta } from '../../src/xds/aggregated-discovery.ts';
import { openAdsConnection } from './open-ads-connection.ts';

/** A discovery server behind a Unix socket that can be made to fail. */
export interface AdsServer {
  /** For clients that are not ours: `unix:<path>`. */
  readonly path: string;
  /** A new connection, which notices a silent server within twice `pingMs` (default 10 s). */
  connect(pingMs?: number): AdsConnection;
  /** Cuts all connections, as a crash would; new ones are taken. */
  cut(): void;
  /** From now on nothing comes through the present connections, as if their path swallowed packets. */
  hang(): void;
  /** Cuts all connections and refuses new ones, until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
  dispose(): Promise<void>;
}

/** Listens until disposed of. Without TLS: who the viewer is, is the test's to say in `serve`. */
export async function startAdsServer(serve: ServeDelta): Promise<AdsServer> {
  const directory = mkdtempSync(join(tmpdir(), 'hauberk-ads-'));
  const path = join(directory, 'ads.sock');
  const inner = join(directory, 'inner.sock');
  const server = createHttp2Server(
    connectNodeAdapter({
      routes: (router) => router.service(AggregatedDiscoveryService, aggregatedDiscovery(serve)),
      acceptCompression: [],
    }),
  );
  await listen(server, inner);
  const link = new FaultyLink(path, inner);
  await link.start();
  return {
    path,
    connect: (pingMs = 10_000) =>
      openAdsConnection({
        baseUrl: 'http://localhost',
        nodeOptions: { createConnection: () => connect(path) },
        pingIntervalMs: pingMs,
        pingTimeoutMs: pingMs,
      }),
    cut: () => link.cut(),
    hang: () => link.hang(),
    start: () => link.start(),
    stop: () => link.stop(),
    dispose: async () => {
      await link.stop();
      await close(server);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

class FaultyLink {
  readonly #from: string;
  readonly #to: string;
  readonly #sockets = new Set<Socket>();
  #swallowing = new WeakSet<Socket>();
  #server: Server | undefined;

  constructor(from: string, to: string) {
    this.#from = from;
    this.#to = to;
  }

  start(): Promise<void> {
    this.#server = createServer((near) => {
      const far = connect(this.#to);
      this.#forward(near, far);
      this.#forward(far, near);
    });
    return listen(this.#server, this.#from);
  }

  async stop(): Promise<void> {
    this.cut();
    if (this.#server?.listening === true) await close(this.#server);
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  hang(): void {
    for (const socket of this.#sockets) this.#swallowing.add(socket);
  }

  #forward(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (bytes) => {
      if (!this.#swallowing.has(from)) to.write(bytes);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}

function listen(server: Pick<Server, 'listen'>, path: string): Promise<void> {
  return new Promise((resolve) => {
    server.listen(path, resolve);
  });
}

function close(server: Pick<Server, 'close'>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
