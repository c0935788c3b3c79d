import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { MeshError } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { offTheStack } from './off-the-stack.ts';
import { type TlsContextBounds, type TlsProfile, tlsContextOptions } from './tls-profile.ts';

interface Pending {
  readonly done: ((socket: TLSSocket) => void) | undefined;
  readonly resolve: (socket: TLSSocket) => void;
  readonly reject: (error: Error) => void;
}

export interface TlsAcceptorOptions {
  readonly identity: Watchable<Identity>;
  readonly profile: TlsProfile;
  /** What tickets are sealed with. */
  readonly ticketKeys: Watchable<Uint8Array>;
  /** Protocols taken; of a client that offers none of them the handshake fails. None: no ALPN. */
  readonly alpn: readonly string[];
  /** Versions and suites, asked for with each new context. Default: those of the profile. */
  readonly bounds?: () => TlsContextBounds;
}

/**
 * Takes the server's part of TLS handshakes, always under the newest identity. Asks for the client's
 * certificate but does not look at it: that is for who accepts.
 */
export class TlsAcceptor {
  readonly #server: Server;
  readonly #options: TlsAcceptorOptions;
  readonly #pending = new Map<string, Pending>();
  /** Stops following the identity. */
  readonly stop: () => void;

  constructor(options: TlsAcceptorOptions) {
    const { identity, profile, ticketKeys, alpn, bounds } = options;
    this.#options = options;
    // It never listens: connections are handed to it, some of them with bytes already read.
    this.#server = createServer({
      ...tlsContextOptions(identity.current, profile, bounds?.()),
      ticketKeys: Buffer.from(ticketKeys.current),
      requestCert: true,
      rejectUnauthorized: false,
      ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
    });
    this.#server.on('secureConnection', (socket) => {
      // Until its next owner listens, an error must not go unheard.
      socket.on('error', () => undefined);
      const pending = this.#take(socket);
      pending?.done?.(socket);
      offTheStack(() => pending?.resolve(socket));
    });
    this.#server.on('tlsClientError', (error, socket) => {
      this.#take(socket)?.reject(error);
      socket.destroy();
    });
    const stops = [
      identity.subscribe(() => this.refresh()),
      ticketKeys.subscribe((keys) => this.#server.setTicketKeys(Buffer.from(keys))),
    ];
    this.stop = () => {
      for (const stop of stops) stop();
    };
  }

  /** Makes the context anew, for handshakes from now on. */
  refresh(): void {
    const { identity, profile, ticketKeys, bounds } = this.#options;
    this.#server.setSecureContext(tlsContextOptions(identity.current, profile, bounds?.()));
    this.#server.setTicketKeys(Buffer.from(ticketKeys.current));
  }

  /**
   * The TLS connection on `raw`; rejects when the handshake fails or `raw` closes before its end. `done` is called at
   * once when it is done, to look at what is gone when the client leaves; it must neither throw nor cut.
   */
  accept(raw: Socket, done?: (socket: TLSSocket) => void): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const name = nameOf(raw);
      const pending: Pending = { done, resolve, reject };
      this.#pending.set(name, pending);
      raw.once('close', () => {
        if (this.#pending.get(name) === pending) this.#pending.delete(name);
        reject(
          new MeshError(
            'ERR_UNREACHABLE',
            'the client ended the connection during the TLS handshake',
          ),
        );
      });
      this.#server.emit('connection', raw);
    });
  }

  #take(socket: Socket): Pending | undefined {
    const name = nameOf(socket);
    const pending = this.#pending.get(name);
    this.#pending.delete(name);
    return pending;
  }
}

/** Both ends, by which the server's TLS socket is matched with the TCP socket that it was made on. */
function nameOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
}
