import type { Watchable } from '../lib/watchable.ts';
import type { Identity } from '../spiffe/identity.ts';
import { TlsAcceptor } from './tls-acceptor.ts';

/**
 * Taken when the client offers one of them. `istio-peer-exchange` is not, though Istio's sidecars
 * offer it: who agrees on it gets metadata in front of the application's bytes.
 */
const PROTOCOLS = ['h2', 'http/1.1'];

/** The server's part of Istio's mutual TLS on a workload port. */
export class IstioAcceptors {
  readonly #agreeing: TlsAcceptor;
  readonly #silent: TlsAcceptor;

  constructor(identity: Watchable<Identity>, ticketKeys: Watchable<Uint8Array>) {
    const options = { identity, ticketKeys, profile: 'istio' } as const;
    this.#agreeing = new TlsAcceptor({ ...options, alpn: PROTOCOLS });
    this.#silent = new TlsAcceptor({ ...options, alpn: [] });
  }

  /**
   * The acceptor for a client that offers these protocols. Where none fits Node's would end the
   * handshake; Istio's goes on without one, and so does the silent one.
   */
  for(offered: readonly string[]): TlsAcceptor {
    return PROTOCOLS.some((name) => offered.includes(name)) ? this.#agreeing : this.#silent;
  }

  /** Stops following the identity. */
  stop(): void {
    this.#agreeing.stop();
    this.#silent.stop();
  }
}
