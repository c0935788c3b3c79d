import type { DropArgument, Server, Socket } from 'node:net';
import { descriptorOf } from '../../lib/descriptor-of.ts';
import { plainIp } from '../address.ts';
import type { DescriptorBudget } from '../descriptor-budget.ts';
import type { Direction } from '../proxy-events.ts';
import type { Reporter } from '../reporter.ts';
import { localAddress, remoteAddress } from './socket-addresses.ts';

/** The TCP connections that servers have accepted: bounded, and known until they are gone. */
export class AcceptedSockets {
  readonly #sockets = new Set<Socket>();
  readonly #reporter: Reporter;
  readonly #maxPerServer: number;
  readonly #budget: DescriptorBudget;

  constructor(reporter: Reporter, maxPerServer: number, budget: DescriptorBudget) {
    this.#reporter = reporter;
    this.#maxPerServer = maxPerServer;
    this.#budget = budget;
  }

  /**
   * Follows a server, once it knows what to do with connections; what comes over the bounds is closed at once and
   * reported.
   */
  follow(server: Server, direction: Direction): void {
    server.maxConnections = this.#maxPerServer;
    // In front of who serves the connection, who must not begin with one that is refused.
    const serve = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      if (!this.#mayStay(socket, direction)) return;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      for (const listener of serve) listener.call(server, socket);
    });
    server.on('drop', (drop) => {
      const bound = `this listener has ${this.#maxPerServer} connections open, which is the limit`;
      this.#refused(direction, drop, bound);
    });
    // For what the system refuses to accept.
    server.on('error', (error) => {
      // That it cannot listen at all is told to who starts it.
      if (server.listening) this.#refused(direction, undefined, error.message);
    });
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #mayStay(socket: Socket, direction: Direction): boolean {
    const answer = this.#budget.admit(descriptorOf(socket) ?? -1);
    if (answer === 'stays') return true;
    if (answer.isNews) {
      const ends = { source: remoteAddress(socket), destination: localAddress(socket) };
      this.#reporter.denied({ direction, ...ends }, { reason: 'limit', decision: answer.refused });
    }
    socket.on('error', () => undefined);
    socket.resetAndDestroy();
    return false;
  }

  #refused(direction: Direction, drop: DropArgument | undefined, decision: string): void {
    const source = { host: plainIp(drop?.remoteAddress), port: drop?.remotePort ?? 0 };
    const destination = { host: plainIp(drop?.localAddress), port: drop?.localPort ?? 0 };
    this.#reporter.denied({ direction, source, destination }, { reason: 'limit', decision });
  }
}
