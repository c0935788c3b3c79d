import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import {
  describeRevocation,
  type RevokedSerials,
  revokedSerials,
} from '../../policy/revoked-serials.ts';

/** The certificates of both ends of a mutual TLS connection. */
export interface ShownSerials {
  readonly ownSerial: string | undefined;
  readonly peerSerial: string | undefined;
  /** Of the authorities by which the peer was proved; not in records of connections. */
  readonly authoritySerials?: readonly string[];
}

/** In which requests on connections of a revoked authority may end, and sessions be made anew. */
const AUTHORITY_GRACE_MS = 2_000;

/**
 * Knows which certificates are revoked now. It refuses them at the handshake, and cuts the TLS
 * connections that were made with one, whoever of the two ends showed it. What an authority has
 * proved is cut too when that is revoked, a little later: by then everybody has another certificate,
 * and who asks on an old connection has done no wrong.
 */
export class RevocationGuard {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  readonly #authorityListeners = new Set<() => void>();
  readonly #open = new Map<string, Set<Socket>>();
  readonly #openByAuthority = new Map<string, Set<Socket>>();
  /** By what each peer that is connected was proved. */
  readonly #authorities = new Map<string, readonly string[]>();
  /** Revoked authorities whose grace is over. */
  readonly #due = new Set<string>();
  readonly #stopping = new AbortController();
  #revoked: RevokedSerials;

  constructor(facts: Watchable<MeshFacts>, clock: Clock) {
    this.#clock = clock;
    this.#revoked = revokedSerials(facts.current.revocations);
    const stop = facts.subscribe((next, previous) => {
      if (next.revocations === previous.revocations) return;
      this.#revoked = revokedSerials(next.revocations);
      this.#close();
      void this.#closeAuthorities();
    });
    this.#stopping.signal.addEventListener('abort', stop, { once: true });
  }

  /** Why a connection with these certificates may not be; undefined when it may. */
  refusal({ ownSerial, peerSerial, authoritySerials }: ShownSerials): string | undefined {
    const proved = this.#authorities.get(peerSerial ?? '') ?? [];
    const authorities = authoritySerials ?? proved.filter((serial) => this.#due.has(serial));
    for (const serial of [peerSerial, ownSerial, ...authorities]) {
      const spec = serial === undefined ? undefined : this.#revoked.get(serial);
      if (spec !== undefined) return describeRevocation(serial ?? '', spec);
    }
    return undefined;
  }

  /**
   * Takes a TLS connection whose handshake is done under its eyes.
   *
   * @throws {MeshError} ERR_UNAUTHENTICATED when one of the certificates is revoked.
   */
  admit(socket: Socket, shown: ShownSerials): void {
    const reason = this.refusal(shown);
    if (reason !== undefined) throw new MeshError('ERR_UNAUTHENTICATED', reason);
    const { ownSerial, peerSerial, authoritySerials = [] } = shown;
    if (peerSerial !== undefined) this.#authorities.set(peerSerial, authoritySerials);
    const serials = [ownSerial, peerSerial].filter((serial) => serial !== undefined);
    for (const serial of serials) add(this.#open, serial, socket);
    for (const serial of authoritySerials) add(this.#openByAuthority, serial, socket);
    socket.once('close', () => {
      for (const serial of serials) remove(this.#open, serial, socket);
      for (const serial of authoritySerials) remove(this.#openByAuthority, serial, socket);
      if (peerSerial !== undefined && !this.#open.has(peerSerial)) {
        this.#authorities.delete(peerSerial);
      }
    });
  }

  /** Calls `listener` after each change, before connections are cut. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Calls `listener` when an authority of open connections is revoked, some time before they are cut. */
  onAuthority(listener: () => void): void {
    this.#authorityListeners.add(listener);
  }

  stop(): void {
    this.#listeners.clear();
    this.#authorityListeners.clear();
    this.#stopping.abort();
  }

  async #closeAuthorities(): Promise<void> {
    const fresh = [...this.#openByAuthority.keys()].filter(
      (serial) => this.#revoked.has(serial) && !this.#due.has(serial),
    );
    if (fresh.length === 0) return;
    for (const listener of this.#authorityListeners) listener();
    await this.#clock.sleep(AUTHORITY_GRACE_MS, this.#stopping.signal);
    if (this.#stopping.signal.aborted) return;
    for (const serial of fresh) this.#due.add(serial);
    this.#close();
  }

  /** What flows is closed one by one and says why, before the connections below it go. */
  #close(): void {
    for (const listener of this.#listeners) listener();
    const doomed = new Map<Socket, string>();
    // One's own certificate is on every connection, the list of revoked ones is usually short.
    for (const [serial, spec] of this.#revoked) {
      const proved = this.#due.has(serial) ? (this.#openByAuthority.get(serial) ?? []) : [];
      for (const socket of [...(this.#open.get(serial) ?? []), ...proved]) {
        doomed.set(socket, describeRevocation(serial, spec));
      }
    }
    // One turn of the loop, in which the resets of the streams go out.
    setImmediate(() => {
      for (const [socket, reason] of doomed) {
        socket.destroy(new MeshError('ERR_UNAUTHENTICATED', reason));
      }
    });
  }
}

function add(sockets: Map<string, Set<Socket>>, serial: string, socket: Socket): void {
  sockets.getOrInsertComputed(serial, () => new Set()).add(socket);
}

function remove(sockets: Map<string, Set<Socket>>, serial: string, socket: Socket): void {
  const open = sockets.get(serial);
  open?.delete(socket);
  if (open?.size === 0) sockets.delete(serial);
}
