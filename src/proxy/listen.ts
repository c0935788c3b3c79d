import { type AddressInfo, createServer, type Server } from 'node:net';
import { descriptorOf } from '../lib/descriptor-of.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { closeDescriptor } from '../lib/pass-descriptors.ts';
import { setSocketOption } from '../lib/socket-option.ts';
import { type Address, formatAddress, plainIp } from './address.ts';

/** A server and where it shall listen. */
export interface ListenPlan {
  readonly server: Server;
  readonly address: Address;
  /** What it is for, as in "cannot listen on … for <purpose>". */
  readonly purpose: string;
}

/** A socket that listens, as others of the process can use it. */
export interface ListeningSocket extends Address {
  readonly fd: number;
  /** What it takes: connections, or packets. */
  readonly transport: 'tcp' | 'udp';
}

/** How the addresses are come by. */
export interface SocketPlan {
  /**
   * Sockets that listen already. Those with an address of a plan are used instead of a new one, so that what
   * waits in their queues is served; the others are closed. Default: none.
   */
  readonly inherited?: readonly ListeningSocket[];
  /** Whether an address that somebody else listens on is refused. Default: it is shared, as with a successor. */
  readonly alone?: boolean;
}

/** What came of a plan. */
export interface Listening {
  /** With the real port where 0 was asked. */
  readonly address: Address;
  /** The plan's server first; others bring it the connections of further inherited sockets. */
  readonly servers: readonly Server[];
}

/**
 * Binds all servers or none, in order. The ports may be shared with other workers and a successor.
 *
 * @throws {MeshError} ERR_LISTEN naming the address and what to do.
 */
export async function listenAll(
  plans: readonly ListenPlan[],
  { inherited = [], alone = false }: SocketPlan = {},
): Promise<readonly Listening[]> {
  const takes = plans.map(({ address }) => inherited.filter((socket) => isAt(socket, address)));
  for (const socket of inherited) {
    if (!takes.some((taken) => taken.includes(socket))) closeDescriptor(socket.fd);
  }
  const done = new Map<ListenPlan, Listening>();
  // One after the other, and everybody in the same order: of two who want the same ports at once one gets them all.
  const inOrder = [...plans.entries()].toSorted(([, one], [, two]) => byPort(one, two));
  try {
    for (const [at, plan] of inOrder) done.set(plan, await listen(plan, takes[at] ?? [], alone));
  } catch (error) {
    for (const { servers } of done.values()) for (const server of servers) server.close();
    throw error;
  }
  return plans.map((plan) => done.get(plan)).filter((each) => each !== undefined);
}

function byPort({ address: one }: ListenPlan, { address: two }: ListenPlan): number {
  return one.port - two.port || one.host.localeCompare(two.host, 'en');
}

/** The socket of a server that listens. */
export function listeningSocket(server: Server): ListeningSocket | undefined {
  const fd = descriptorOf(server);
  return fd === undefined ? undefined : { ...boundAddress(server), fd, transport: 'tcp' };
}

/** Whether a socket that was inherited is at an address. */
export function isAt(socket: ListeningSocket, { host, port }: Address): boolean {
  return socket.port === port && socket.host === plainIp(host);
}

/** Where a listening server can be reached. */
function boundAddress(server: Server): Address {
  const bound = server.address();
  const { address, port } = isInfo(bound) ? bound : { address: '', port: 0 };
  return { host: plainIp(address), port };
}

function isInfo(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

const BACKLOG = 1024;
const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;

async function listen(
  plan: ListenPlan,
  [first, ...further]: readonly ListeningSocket[],
  alone: boolean,
): Promise<Listening> {
  const { server, address } = plan;
  if (first === undefined) {
    if (alone && address.port !== 0) await openedAlone(plan);
    else await opened(server, plan, { ...address, reusePort: true });
  } else {
    await opened(server, plan, { fd: first.fd });
  }
  const others = further.map(() => another(server));
  for (const [at, { fd }] of further.entries()) {
    const other = others[at];
    if (other !== undefined) await opened(other, plan, { fd });
  }
  return { address: boundAddress(server), servers: [server, ...others] };
}

/**
 * Binds without sharing the port, which fails where anybody listens, whoever that shares it with; then lets others of
 * this user share it. At no moment can two who do this have it.
 */
async function openedAlone(plan: ListenPlan): Promise<void> {
  const { server, address } = plan;
  await opened(server, plan, address);
  const { fd } = listeningSocket(server) ?? { fd: -1 };
  if (setSocketOption({ fd, level: SOL_SOCKET, name: SO_REUSEPORT }, 1)) return;
  // Elsewhere than on Linux there is a moment between the two.
  await new Promise((resolve) => server.close(resolve));
  await opened(server, plan, { ...address, reusePort: true });
}

/** A server whose connections are those of `server`. */
function another(server: Server): Server {
  // As Node.js keeps them; it offers no way to ask.
  const { allowHalfOpen, pauseOnConnect, noDelay, keepAlive, keepAliveInitialDelay } =
    server as unknown as Record<string, never>;
  const options = { allowHalfOpen, pauseOnConnect, noDelay, keepAlive };
  const initialDelay = Number(keepAliveInitialDelay) * 1_000;
  const other = createServer({ ...options, keepAliveInitialDelay: initialDelay });
  other.on('connection', (socket) => server.emit('connection', socket));
  return other;
}

function opened(
  server: Server,
  { address, purpose }: ListenPlan,
  how: { readonly fd: number } | (Address & { readonly reusePort?: boolean }),
): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      const where = `cannot listen on ${formatAddress(address)} for ${purpose}`;
      reject(new MeshError('ERR_LISTEN', `${where}: ${advice(error)}`, { cause: error }));
    };
    server.once('error', failed);
    server.listen({ ...how, backlog: BACKLOG }, () => {
      server.removeListener('error', failed);
      resolve();
    });
  });
}

function advice(error: Error): string {
  switch ('code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return 'another process has the port; stop it or choose another port';
    case 'EACCES':
      return 'this user may not; choose a port from 1024 on or give the process CAP_NET_BIND_SERVICE';
    case 'EADDRNOTAVAIL':
      return 'this machine does not have the address; use one of its own, or 0.0.0.0';
    default:
      return messageOf(error);
  }
}
