import { closeDescriptor } from '../../lib/pass-descriptors.ts';
import type { ListeningSocket } from '../listen.ts';
import { duplicateSockets } from './duplicate-sockets.ts';

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
    this.#sockets = duplicateSockets(listening);
  }

  /** One more of each, for who will close it. */
  copies(): readonly ListeningSocket[] {
    return duplicateSockets(this.#sockets);
  }

  release(): void {
    for (const { fd } of this.#sockets) closeDescriptor(fd);
    this.#sockets = [];
  }
}
