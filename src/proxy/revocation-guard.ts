import type { Socket } from 'node:net';
import { MeshError } from '../lib/errors.ts';
import type { Watchable } from '../lib/watchable.ts';
import type { MeshFacts } from '../policy/mesh-facts.ts';
import {
  describeRevocation,
  type RevokedSerials,
  revokedSerials,
} from '../policy/revoked-serials.ts';

/** The certificates of both ends of a mutual TLS connection. */
export interface ShownSerials {
  readonly ownSerial: string | undefined;
  readonly peerSerial: string | undefined;
  /** Of the authorities by which the peer was proved. */
  readonly authoritySerials?: readonly string[];
}

/**
 * Knows which certificates are revoked now. It refuses them at the handshake, and cuts the TLS
 * connections that were made with one, whoever of the two ends showed it.
 */
export class RevocationGuard {
  readonly #listeners = new Set<() => void>();
  readonly #open = new Map<string, Set<Socket>>();
  /** By what each peer that is connected was proved; records of connections do not say. */
  readonly #authorities = new Map<string, readonly string[]>();
  readonly #stop: () => void;
  #revoked: RevokedSerials;

  constructor(facts: Watchable<MeshFacts>) {
    this.#revoked = revokedSerials(facts.current.revocations);
    this.#stop = facts.subscribe((next, previous) => {
      if (next.revocations === previous.revocations) return;
      this.#revoked = revokedSerials(next.revocations);
      // What flows is closed one by one and says why, before the connections below it go.
      for (const listener of this.#listeners) listener();
      this.#cut();
    });
  }

  /** Why a connection with these certificates may not be; undefined when it may. */
  refusal({ ownSerial, peerSerial, authoritySerials }: ShownSerials): string | undefined {
    const authorities = authoritySerials ?? this.#authorities.get(peerSerial ?? '') ?? [];
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
    const serials = [ownSerial, peerSerial, ...authoritySerials].filter(
      (serial) => serial !== undefined,
    );
    for (const serial of serials) {
      this.#open.getOrInsertComputed(serial, () => new Set()).add(socket);
    }
    socket.once('close', () => {
      for (const serial of serials) this.#forget(serial, socket);
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

  #cut(): void {
    const doomed = new Map<Socket, string>();
    // One's own certificate is on every connection, the list of revoked ones is usually short.
    for (const [serial, spec] of this.#revoked) {
      for (const socket of this.#open.get(serial) ?? []) {
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

  #forget(serial: string, socket: Socket): void {
    const sockets = this.#open.get(serial);
    sockets?.delete(socket);
    if (sockets?.size !== 0) return;
    this.#open.delete(serial);
    this.#authorities.delete(serial);
  }
}
