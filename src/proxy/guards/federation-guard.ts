import type { Socket } from 'node:net';
import { MeshError } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';

const SCHEME = 'spiffe://';

/**
 * Knows which trust domains are believed now, and cuts the TLS connections with peers of one that
 * is believed no more. A bundle that only changed cuts nothing: old connections go on.
 */
export class FederationGuard {
  readonly #own: () => readonly string[];
  readonly #identity: Watchable<Identity>;
  readonly #listeners = new Set<() => void>();
  readonly #open = new Map<string, Set<Socket>>();
  readonly #stop: () => void;
  /** Those of this mesh at the last look. */
  #believed: readonly string[];

  /** @param own the trust domains of this mesh, now: its own first, then its aliases. */
  constructor(identity: Watchable<Identity>, own: () => readonly string[]) {
    this.#identity = identity;
    this.#own = own;
    this.#believed = own();
    this.#stop = identity.subscribe((next, previous) => {
      if (next.federated === previous.federated) return;
      // What flows is closed one by one and says why, before the connections below it go.
      for (const listener of this.#listeners) listener();
      this.#cut();
    });
  }

  /** Looks whether an alias of the mesh's trust domain is one no more. */
  recheck(): void {
    const own = this.#own();
    const lost = this.#believed.some((domain) => !own.includes(domain));
    this.#believed = own;
    if (!lost) return;
    for (const listener of this.#listeners) listener();
    this.#cut();
  }

  /** Why nobody of the peer's trust domain may be connected; undefined when that is not so. */
  refusal(peerId: string | undefined): string | undefined {
    const domain = peerId === undefined ? undefined : trustDomainOf(peerId);
    return domain === undefined ? undefined : this.#refusalOf(domain);
  }

  /**
   * Takes a TLS connection whose handshake is done under its eyes.
   *
   * @throws {MeshError} ERR_UNAUTHENTICATED when its trust domain is believed no more.
   */
  admit(socket: Socket, peerId: string): void {
    const domain = trustDomainOf(peerId);
    // Its own, with which a mesh is founded, it believes for ever.
    if (domain === this.#own()[0]) return;
    const reason = this.#refusalOf(domain);
    if (reason !== undefined) throw new MeshError('ERR_UNAUTHENTICATED', reason);
    const sockets = this.#open.getOrInsertComputed(domain, () => new Set());
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0 && this.#open.get(domain) === sockets) this.#open.delete(domain);
    });
  }

  /** Calls `listener` after each change, before connections are cut. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  stop(): void {
    this.#listeners.clear();
    this.#stop();
  }

  #refusalOf(domain: string): string | undefined {
    if (this.#own().includes(domain)) return undefined;
    const { federated = [] } = this.#identity.current;
    const bundle = federated.find(({ trustDomain }) => trustDomain.name === domain);
    if (bundle === undefined) return `the trust domain "${domain}" is not federated with this mesh`;
    return bundle.x509Authorities.length > 0
      ? undefined
      : `the trust domain "${domain}" has revoked all of its authorities`;
  }

  #cut(): void {
    const doomed = [...this.#open].flatMap(([domain, sockets]) => {
      const reason = this.#refusalOf(domain);
      return reason === undefined ? [] : [...sockets].map((socket) => ({ socket, reason }));
    });
    // One turn of the loop, in which the resets of the streams go out.
    setImmediate(() => {
      for (const { socket, reason } of doomed) {
        socket.destroy(new MeshError('ERR_UNAUTHENTICATED', reason));
      }
    });
  }
}

function trustDomainOf(id: string): string {
  const slash = id.indexOf('/', SCHEME.length);
  return id.slice(SCHEME.length, slash === -1 ? undefined : slash);
}
