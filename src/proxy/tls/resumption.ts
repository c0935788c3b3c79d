import type { SecureContext, TLSSocket } from 'node:tls';
import type { Watchable } from '../../lib/watchable.ts';
import { type Certificate, parseCertificate } from '../../x509/certificate.ts';
import { presentedChain } from '../../x509/presented-chain.ts';
import type { Peer } from './peer.ts';

/** What a server gave us, to come back with. */
export interface Remembered {
  readonly ticket: Buffer;
  /** What it showed when it was proved; a resumed handshake shows nothing. */
  readonly chain: readonly Certificate[];
}

/** What a client goes by: the same server, asked in the same way. */
export interface ResumeFor {
  /** Tickets hold for one context only, which is swapped with the identity. */
  readonly context: SecureContext;
  /** Address, server name and whoever must answer. */
  readonly server: string;
}

export interface ResumptionOptions {
  /** All tickets are forgotten with them. */
  readonly keys: Watchable<Uint8Array>;
  /** DER of authorities that other workers have met. */
  readonly issuers?: Watchable<readonly Uint8Array[]> | undefined;
  /** Told of an authority by which a peer was proved here for the first time. */
  readonly learned?: ((der: Uint8Array) => void) | undefined;
}

const MAX_SERVERS = 256;
const MAX_ISSUERS = 64;

/**
 * TLS sessions that begin where an earlier one left off, which spares both sides the signatures. Only
 * those are spared: the peer's certificates are looked at again each time, as in a full handshake.
 */
export class Resumption {
  readonly #options: ResumptionOptions;
  readonly #stop: () => void;
  /** By their subject's name. */
  readonly #issuers = new Map<string, Certificate>();
  #servers = new WeakMap<SecureContext, Map<string, Remembered>>();

  constructor(options: ResumptionOptions) {
    this.#options = options;
    const stops = [
      options.keys.subscribe(() => {
        this.#servers = new WeakMap();
      }),
      options.issuers?.subscribe((ders) => this.#take(ders)),
    ];
    this.#take(options.issuers?.current ?? []);
    this.#stop = () => {
      for (const stop of stops) stop?.();
    };
  }

  /**
   * What to offer a server; undefined when nothing is known of it. Whoever offers it keeps it until the
   * handshake is done: by then another one may have made it forgotten, or replaced it.
   */
  offer({ context, server }: ResumeFor): Remembered | undefined {
    return this.#servers.get(context)?.get(server);
  }

  /** What the server of a connection showed, now or when the session began that was offered. */
  serverChain(socket: TLSSocket, offered: Remembered | undefined): Certificate[] {
    if (!socket.isSessionReused()) return presentedChain(socket);
    return [...(offered?.chain ?? [])];
  }

  /** Keeps the tickets that come from a server that was proved by `chain`. */
  keep(socket: TLSSocket, given: ResumeFor, chain: readonly Certificate[]): void {
    const servers = this.#servers;
    socket.on('session', (ticket: Buffer) => {
      const known = servers.getOrInsertComputed(given.context, () => new Map());
      known.delete(given.server);
      known.set(given.server, { ticket, chain });
      if (known.size <= MAX_SERVERS) return;
      for (const oldest of known.keys()) {
        known.delete(oldest);
        break;
      }
    });
  }

  /** After a handshake that failed: the next one is a full one. */
  forget({ context, server }: ResumeFor): void {
    this.#servers.get(context)?.delete(server);
  }

  /**
   * What the client of a connection showed. Its ticket holds the leaf only, so of a resumed session
   * the authorities are those that have been met before, or that have signed for us.
   */
  clientChain(socket: TLSSocket, own: readonly Certificate[]): Certificate[] {
    const chain = presentedChain(socket);
    if (!socket.isSessionReused()) return chain;
    const issuers = new Map([...own.slice(1).map(named), ...this.#issuers]);
    for (let next = chain[0]; next !== undefined && chain.length < MAX_ISSUERS; ) {
      const issuer = issuers.get(nameOf(next.issuerDer));
      if (issuer === undefined || chain.includes(issuer)) break;
      chain.push(issuer);
      next = issuer;
    }
    return chain;
  }

  /** Remembers the authorities by which a peer was proved. */
  learn(chain: readonly Certificate[], { authoritySerials }: Peer): void {
    for (const issuer of chain.slice(1)) {
      const name = nameOf(issuer.subjectDer);
      if (!authoritySerials.includes(issuer.serial)) continue;
      if (this.#issuers.get(name)?.serial === issuer.serial) continue;
      this.#remember(issuer);
      this.#options.learned?.(issuer.der);
    }
  }

  /** Stops following keys and issuers. */
  stop(): void {
    this.#stop();
  }

  #take(ders: readonly Uint8Array[]): void {
    for (const der of ders) this.#remember(parseCertificate(der));
  }

  #remember(issuer: Certificate): void {
    const [name] = named(issuer);
    this.#issuers.delete(name);
    this.#issuers.set(name, issuer);
    if (this.#issuers.size <= MAX_ISSUERS) return;
    for (const oldest of this.#issuers.keys()) {
      this.#issuers.delete(oldest);
      return;
    }
  }
}

function named(issuer: Certificate): readonly [string, Certificate] {
  return [nameOf(issuer.subjectDer), issuer];
}

function nameOf(der: Uint8Array): string {
  return Buffer.from(der).toString('latin1');
}
