import type { Watchable } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { MeshSettings } from '../../policy/mesh-settings.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { LiveSettings } from '../live-settings.ts';
import { TlsAcceptor } from '../tls/tls-acceptor.ts';

/**
 * Taken when the client offers one of them. `istio-peer-exchange` is not, though Istio's sidecars
 * offer it: who agrees on it gets metadata in front of the application's bytes.
 */
const PROTOCOLS = ['h2', 'http/1.1'];

export interface IstioAcceptorsOptions {
  readonly identity: Watchable<Identity>;
  readonly facts: Watchable<MeshFacts>;
  readonly settings: LiveSettings;
  /** See `TlsAcceptorOptions`. */
  readonly ticketKeys: Watchable<Uint8Array>;
}

/** The server's part of Istio's mutual TLS on a workload port. */
export class IstioAcceptors {
  readonly #agreeing: TlsAcceptor;
  readonly #silent: TlsAcceptor;
  readonly #unfollow: () => void;

  constructor({ identity, facts, settings, ticketKeys }: IstioAcceptorsOptions) {
    const bounds = (): MeshSettings['meshMtls'] => settings.current.meshMtls;
    const options = { identity, ticketKeys, bounds, profile: 'istio' } as const;
    this.#agreeing = new TlsAcceptor({ ...options, alpn: PROTOCOLS });
    this.#silent = new TlsAcceptor({ ...options, alpn: [] });
    let before = settings.current.meshMtls;
    this.#unfollow = facts.subscribe(() => {
      const { meshMtls } = settings.current;
      if (JSON.stringify(meshMtls) === JSON.stringify(before)) return;
      before = meshMtls;
      this.#agreeing.refresh();
      this.#silent.refresh();
    });
  }

  /**
   * The acceptor for a client that offers these protocols. Where none fits Node's would end the
   * handshake; Istio's goes on without one, and so does the silent one.
   */
  for(offered: readonly string[]): TlsAcceptor {
    return PROTOCOLS.some((name) => offered.includes(name)) ? this.#agreeing : this.#silent;
  }

  /** Stops following the identity and the settings. */
  stop(): void {
    this.#unfollow();
    this.#agreeing.stop();
    this.#silent.stop();
  }
}
