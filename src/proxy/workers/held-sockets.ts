import {
  canPassDescriptors,
  closeDescriptor,
  duplicateDescriptor,
} from '../../lib/pass-descriptors.ts';
import type { ListeningSocket } from '../listen.ts';

/**
 * The listening sockets of a worker, kept open beside it: they and their queues outlive its crash, and may be
 * handed to its successor, or to that of the whole process.
 */
export class HeldSockets {
  #sockets: readonly ListeningSocket[] = [];

  get sockets(): readonly ListeningSocket[] {
    return this.#sockets;
  }

  /** Holds these instead of what it held. Where there are no descriptors left it holds none. */
  hold(listening: readonly ListeningSocket[]): void {
    this.release();
    this.#sockets = duplicates(listening);
  }

  /** One more of each, for who will close it. */
  copies(): readonly ListeningSocket[] {
    return duplicates(this.#sockets);
  }

  release(): void {
    for (const { fd } of this.#sockets) closeDescriptor(fd);
    this.#sockets = [];
  }
}

function duplicates(sockets: readonly ListeningSocket[]): readonly ListeningSocket[] {
  if (!canPassDescriptors) return [];
  const made: ListeningSocket[] = [];
  try {
    for (const socket of sockets) made.push({ ...socket, fd: duplicateDescriptor(socket.fd) });
    return made;
  } catch {
    for (const { fd } of made) closeDescriptor(fd);
    return [];
  }
}
