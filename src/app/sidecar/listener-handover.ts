import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { aborted } from '../../lib/aborted.ts';
import { descriptorOf } from '../../lib/descriptor-of.ts';
import { MeshError } from '../../lib/errors.ts';
import { listenOnPath } from '../../lib/listen-on-path.ts';
import {
  canPassDescriptors,
  type PassedDescriptor,
  receiveDescriptor,
  sendDescriptor,
} from '../../lib/pass-descriptors.ts';
import type { Task } from '../../lib/tasks.ts';
import type { Address } from '../../proxy/address.ts';
import type { ListeningSocket } from '../../proxy/listen.ts';

/** Where the sidecar of a state directory hands its listening sockets over. */
function handoverPath(stateDir: string): string {
  return join(stateDir, 'ports.sock');
}

const POLL_MS = 2;
const MOST_POLLS = 2_500;

/**
 * Hands the sockets that `listening` gives to each process that connects to the state directory's socket (0600).
 *
 * @throws {MeshError} ERR_LISTEN when that socket cannot be made.
 */
export async function serveListeners(
  stateDir: string,
  listening: () => readonly ListeningSocket[],
): Promise<Task> {
  if (!canPassDescriptors) return aborted;
  const path = handoverPath(stateDir);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    void handOver(socket, listening()).catch(() => socket.destroy());
  });
  const removeName = await listenOnPath(server, { path, mode: 0o600 });
  return async (signal) => {
    await aborted(signal);
    removeName();
    server.close();
  };
}

/**
 * The listening sockets of the sidecar that runs on the same state directory. They are this process's own from
 * then on; the other one goes on listening too until it is dismissed. Empty where it hands none over: then its
 * ports are shared, and what is in its queues when it closes them is lost.
 */
export async function takeListeners(stateDir: string): Promise<readonly ListeningSocket[]> {
  if (!canPassDescriptors) return [];
  const socket = connect(handoverPath(stateDir));
  // What comes is for us to read and not for Node.js, which would throw the descriptors away.
  socket.pause();
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  if (!connected) return [];
  const taken: ListeningSocket[] = [];
  try {
    for (let polls = 0; polls < MOST_POLLS; ) {
      const next = receiveDescriptor(openDescriptor(socket));
      if (next === 'end') break;
      if (next === 'later') {
        polls += 1;
        await delay(POLL_MS);
      } else {
        taken.push(socketOf(next));
      }
    }
    return taken;
  } finally {
    socket.destroy();
  }
}

async function handOver(socket: Socket, sockets: readonly ListeningSocket[]): Promise<void> {
  for (const listening of sockets) {
    const passed = { fd: listening.fd, note: noteOf(listening) };
    while (!sendDescriptor(openDescriptor(socket), passed)) await delay(POLL_MS);
  }
  socket.end();
}

/** One for UDP is named otherwise, since a release that knows TCP only would listen on it; that one closes it. */
function noteOf({ host, port, transport }: ListeningSocket): string {
  const address = { host, port };
  return JSON.stringify(transport === 'udp' ? { udp: address } : address);
}

function socketOf({ fd, note }: PassedDescriptor): ListeningSocket {
  const read = JSON.parse(note) as Partial<Address> & { readonly udp?: Partial<Address> };
  const { host = '', port = 0 } = read.udp ?? read;
  return { fd, host, port, transport: read.udp === undefined ? 'tcp' : 'udp' };
}

function openDescriptor(socket: Socket): number {
  const fd = descriptorOf(socket);
  if (fd === undefined) throw new MeshError('ERR_UNREACHABLE', 'the other side is gone');
  return fd;
}
