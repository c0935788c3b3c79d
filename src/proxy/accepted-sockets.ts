import type { DropArgument, Server, Socket } from 'node:net';
import { plainIp } from './address.ts';
import type { Direction } from './proxy-events.ts';
import type { Reporter } from './reporter.ts';

/** The TCP connections that servers have accepted: bounded, and known until they are gone. */
export class AcceptedSockets {
  readonly #sockets = new Set<Socket>();
  readonly #reporter: Reporter;
  readonly #maxPerServer: number;

  constructor(reporter: Reporter, maxPerServer: number) {
    this.#reporter = reporter;
    this.#maxPerServer = maxPerServer;
  }

  /** Follows a server; what comes over the bound is closed at once and reported. */
  follow(server: Server, direction: Direction): void {
    server.maxConnections = this.#maxPerServer;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('drop', (drop) => {
      const bound = `this listener has ${this.#maxPerServer} connections open, which is the limit`;
      this.#refused(direction, drop, bound);
    });
    // Also for what the system refuses to accept, such as for want of file descriptors.
    server.on('error', (error) => this.#refused(direction, undefined, error.message));
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #refused(direction: Direction, drop: DropArgument | undefined, decision: string): void {
    const source = { host: plainIp(drop?.remoteAddress), port: drop?.remotePort ?? 0 };
    const destination = { host: plainIp(drop?.localAddress), port: drop?.localPort ?? 0 };
    this.#reporter.denied({ direction, source, destination }, { reason: 'limit', decision });
  }
}
