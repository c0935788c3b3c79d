import { connect, createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '../../src/lib/clock.ts';
import { WatchableValue } from '../../src/lib/watchable.ts';
import { type MeshFacts, noFacts } from '../../src/policy/mesh-facts.ts';
import type { MeshSettings } from '../../src/policy/mesh-settings.ts';
import type { Workload } from '../../src/policy/workload.ts';
import {
  type Address,
  type ProxyOptions,
  type RunningProxy,
  startProxy,
} from '../../src/proxy/proxy.ts';
import type {
  ClosedConnection,
  ClosedSession,
  ConnectionRecord,
  DeniedConnection,
  FailedHandshake,
  FailedUpstream,
  LearnedPort,
  MalformedHttp,
  ProxyEvents,
  RequestRecord,
  SessionRecord,
  UsedFallback,
} from '../../src/proxy/proxy-events.ts';
import { annotations } from '../../src/resources/annotations.ts';
import type { WorkloadEntry } from '../../src/resources/kinds/workload-entry.ts';
import type { Identity } from '../../src/spiffe/identity.ts';
import { service, settings, workloadEntry } from './policies.ts';
import { type TestAuthority, testAuthority } from './test-authority.ts';

export const LOOPBACK = '127.0.0.1';
export const CLIENT_ID = 'spiffe://cluster.local/ns/shop/sa/products';
export const SERVER_ID = 'spiffe://cluster.local/ns/shop/sa/reviews';

/** All events of one proxy, by kind, in order. */
export class RecordedEvents implements ProxyEvents {
  readonly opened: ConnectionRecord[] = [];
  readonly closed: ClosedConnection[] = [];
  readonly denied: DeniedConnection[] = [];
  readonly handshakes: FailedHandshake[] = [];
  readonly upstreams: FailedUpstream[] = [];
  readonly requests: RequestRecord[] = [];
  readonly malformed: MalformedHttp[] = [];
  readonly sessions: SessionRecord[] = [];
  readonly endedSessions: ClosedSession[] = [];
  readonly fallbacks: UsedFallback[] = [];
  readonly learned: LearnedPort[] = [];

  connectionOpened(connection: ConnectionRecord): void {
    this.opened.push(connection);
  }
  connectionClosed(connection: ClosedConnection): void {
    this.closed.push(connection);
  }
  connectionDenied(connection: DeniedConnection): void {
    this.denied.push(connection);
  }
  handshakeFailed(handshake: FailedHandshake): void {
    this.handshakes.push(handshake);
  }
  upstreamFailed(upstream: FailedUpstream): void {
    this.upstreams.push(upstream);
  }
  requestEnded(request: RequestRecord): void {
    this.requests.push({ ...request, decision: request.decision });
  }
  httpMalformed(message: MalformedHttp): void {
    this.malformed.push(message);
  }
  sessionOpened(session: SessionRecord): void {
    this.sessions.push(session);
  }
  fallbackUsed(use: UsedFallback): void {
    this.fallbacks.push(use);
  }
  portLearned(port: LearnedPort): void {
    this.learned.push(port);
  }
  sessionClosed(session: ClosedSession): void {
    this.endedSessions.push(session);
  }
}

/** A TCP server on a free port of the loopback; closing it cuts what is open. */
export interface TestApp extends AsyncDisposable {
  readonly address: Address;
  /** The connections it has accepted, newest last. */
  readonly sockets: readonly Socket[];
}

/** Starts `server` (of any kind that listens) on the loopback. */
export async function startApp(server: Server): Promise<TestApp> {
  const sockets: Socket[] = [];
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, LOOPBACK, resolve);
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    address: { host: LOOPBACK, port },
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Sends back what it gets, and its end. */
export function echoServer(): Server {
  return createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
}

/** One sidecar of a pair. */
export interface PairSide {
  readonly proxy: RunningProxy;
  readonly events: RecordedEvents;
  readonly identity: WatchableValue<Identity>;
  readonly facts: WatchableValue<MeshFacts>;
}

/** The sidecars of `products`, which calls, and of `reviews`, which is called. */
export interface ProxyPair extends AsyncDisposable {
  readonly authority: TestAuthority;
  readonly client: PairSide;
  readonly server: PairSide;
  /** Where the application of the client side reaches `reviews.shop:80`. */
  readonly outbound: Address;
  /** The workload port of the server side. */
  readonly inbound: Address;
  readonly hbone: Address;
}

export interface PairOptions {
  /** Default: an echo application that is closed with the pair. */
  readonly app?: Address;
  readonly authority?: TestAuthority;
  /** Of the server side; default as the WorkloadEntry expects. */
  readonly serverIdentity?: Identity;
  readonly clientIdentity?: Identity;
  readonly server?: Partial<ProxyOptions>;
  readonly client?: Partial<ProxyOptions>;
  readonly serverFacts?: Partial<MeshFacts>;
  readonly clientFacts?: Partial<MeshFacts>;
  /** How the client is told to call the server. Default `hbone`. */
  readonly transport?: 'hbone' | 'istio-mtls' | 'plaintext';
  readonly settings?: MeshSettings;
}

const products: Workload = {
  ...{ namespace: 'shop', name: 'products-1', serviceAccount: 'products' },
  labels: { app: 'products' },
};
const reviews: Workload = {
  ...{ namespace: 'shop', name: 'reviews-1', serviceAccount: 'reviews' },
  labels: { app: 'reviews' },
};
const nowhere: Address = { host: LOOPBACK, port: 0 };

/** Starts both sidecars on the loopback with free ports. */
export async function startPair(options: PairOptions = {}): Promise<ProxyPair> {
  const { authority = testAuthority() } = options;
  const echo = options.app === undefined ? await startApp(echoServer()) : undefined;
  const app = options.app ?? echo?.address ?? nowhere;
  const server = await startSide({
    workload: reviews,
    identity: options.serverIdentity ?? authority.identity(SERVER_ID),
    facts: { ...noFacts, ...options.serverFacts },
    options: {
      ...(options.settings === undefined ? {} : { settings: options.settings }),
      inbound: [{ listen: nowhere, app }],
      ...options.server,
    },
  });
  const { bound } = server.proxy;
  const inbound = bound.inbound[0] ?? nowhere;
  const client = await startSide({
    workload: products,
    identity: options.clientIdentity ?? authority.identity(CLIENT_ID),
    facts: { ...factsToReach(server.proxy, options.transport ?? 'hbone'), ...options.clientFacts },
    options: {
      ...(options.settings === undefined ? {} : { settings: options.settings }),
      outbound: [{ listen: nowhere, service: { host: 'reviews.shop', port: 80 } }],
      ...options.client,
    },
  });
  return {
    ...{ authority, client, server, inbound, hbone: bound.hbone },
    outbound: client.proxy.bound.outbound[0] ?? nowhere,
    async [Symbol.asyncDispose]() {
      await Promise.all([client.proxy.drain(0), server.proxy.drain(0)]);
      await echo?.[Symbol.asyncDispose]();
    },
  };
}

/** Facts by which `reviews.shop:80` is the workload port of `server`. */
function factsToReach(
  server: RunningProxy,
  transport: 'hbone' | 'istio-mtls' | 'plaintext' = 'hbone',
): MeshFacts {
  const targetPort = server.bound.inbound[0]?.port ?? 0;
  return {
    ...noFacts,
    services: [service({ ports: [{ name: 'http', port: 80, targetPort }] })],
    workloadEntries: [entryFor(server.bound.hbone.port, transport)],
  };
}

/** The WorkloadEntry of a server side on the loopback. */
export function entryFor(
  hbonePort: number,
  transport: 'hbone' | 'istio-mtls' | 'plaintext' = 'hbone',
): WorkloadEntry {
  const { serviceAccount: _, ...spec } = workloadEntry({ address: LOOPBACK }).spec;
  const entry = { ...workloadEntry(), spec };
  if (transport === 'plaintext') return entry;
  const withAccount = { ...entry, spec: { ...spec, serviceAccount: 'reviews' } };
  if (transport === 'istio-mtls') return withAccount;
  return workloadEntry(withAccount.spec, {
    annotations: { [annotations.hbonePort]: String(hbonePort) },
  });
}

async function startSide(side: {
  readonly workload: Workload;
  readonly identity: Identity;
  readonly facts: MeshFacts;
  readonly options: Partial<ProxyOptions>;
}): Promise<PairSide> {
  const identity = new WatchableValue(side.identity);
  const facts = new WatchableValue(side.facts);
  const events = new RecordedEvents();
  const proxy = await startProxy({
    workload: new WatchableValue(side.workload),
    ...{ settings, identity, facts, events, inbound: [], outbound: [], hbone: nowhere },
    ownAddresses: [LOOPBACK],
    clock: systemClock,
    ...side.options,
  });
  return { proxy, events, identity, facts };
}

/** A connection to `address` whose directions end on their own; errors are kept silent. */
export async function dial(address: Address): Promise<Socket> {
  const socket = connect({ ...address, allowHalfOpen: true });
  socket.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** How a connection ended: what came before, and whether it was in order. */
export interface Ending {
  readonly received: Buffer;
  readonly how: 'ended' | 'reset';
}

/** Everything until the other side ends or cuts the connection; our own side is ended then. */
export function readToEnd(socket: Socket): Promise<Ending> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const finish = (how: Ending['how']): void => resolve({ received: Buffer.concat(chunks), how });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('end', () => {
      socket.end();
      finish('ended');
    });
    socket.once('error', () => finish('reset'));
    socket.once('close', () => finish('reset'));
  });
}

/** Resolves with the next chunk. */
export function nextChunk(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk) => resolve(chunk.toString()));
    socket.once('close', () => reject(new Error('closed before any data came')));
  });
}

/** Sends text and gives what comes back first. */
export async function ask(socket: Socket, text: string): Promise<string> {
  const answer = nextChunk(socket);
  socket.write(text);
  return await answer;
}

/** Waits until `condition` holds; fails after `timeoutMs`. */
export async function until(condition: () => boolean, timeoutMs = 30_000): Promise<void> {
  const startMs = Date.now();
  while (!condition()) {
    if (Date.now() - startMs > timeoutMs) throw new Error(`not in ${timeoutMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
