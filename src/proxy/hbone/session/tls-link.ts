import type { TLSSocket } from 'node:tls';
import type { LentReads } from '../../bytes/lent-reads.ts';
import type { Deadlines } from '../../deadlines.ts';
import { FrameOutput } from '../frames/frame-output.ts';
import { ErrorCode } from '../frames/http2-codes.ts';
import { SlabPool } from '../frames/slab-pool.ts';
import type { ConnectionEvents } from './connection-options.ts';
import { Http2Connection } from './http2-connection.ts';

/** What the sessions of one transport share. */
export interface LinkOptions {
  /** Streams that one session takes at a time. */
  readonly maxStreams: number;
  /** Bounds the wait for answers, and for a connection to end. */
  readonly deadlines: Deadlines;
  /** Bounds how long a peer that is asked for a stream may be silent altogether. */
  readonly silence: Deadlines;
  readonly slabs: SlabPool;
  /** Who reads the socket, if not itself. */
  readonly reads?: LentReads;
}

/** Why a session was cut whose peer does not answer. */
export const PEER_SILENT = 'the peer answers no ping';

const SLAB_BYTES = 128 * 1024;
const MAX_KEPT_SLABS = 8;

/** Slabs for all sessions of a transport. */
export function slabsForSessions(): SlabPool {
  return new SlabPool(SLAB_BYTES, MAX_KEPT_SLABS);
}

/** What a session is told; the end of the connection comes by `closed`. */
export type LinkEvents = Omit<ConnectionEvents, 'failed'>;

/** An Http2Connection on a TLS socket, and the end of both. */
export class TlsLink {
  readonly connection: Http2Connection;
  /** Resolves with the reason when the socket is closed. */
  readonly closed: Promise<string>;
  readonly #socket: TLSSocket;
  readonly #output: FrameOutput;
  readonly #deadlines: Deadlines;
  #reason: string | undefined;
  #ending = false;
  #reads = 0;

  constructor(
    socket: TLSSocket,
    role: 'client' | 'server',
    { maxStreams, deadlines, slabs, reads, events }: LinkOptions & { readonly events: LinkEvents },
  ) {
    this.#socket = socket;
    this.#deadlines = deadlines;
    const schedule = (call: () => void): void => {
      setImmediate(call);
    };
    this.#output = new FrameOutput({
      sink: { write: (bytes, written) => void socket.write(bytes, written) },
      slabs,
      schedule,
      written: () => this.connection.written(),
    });
    this.connection = new Http2Connection({
      ...{ role, maxStreams, schedule, output: this.#output },
      nowMs: () => performance.now(),
      events: { ...events, failed: (reason) => this.end(reason) },
    });
    socket.on('error', (error) => {
      this.#reason ??= error.message;
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#reason ??= 'the connection ended';
        this.connection.lose(this.#reason);
        resolve(this.#reason);
      });
    });
    this.connection.begin();
    if (reads === undefined) {
      socket.on('data', (chunk: Buffer) => this.#receive(chunk, false));
    } else {
      reads.start((chunk) => this.#receive(chunk, true));
      socket.resume();
    }
  }

  /** How often something has come from the peer. */
  get reads(): number {
    return this.#reads;
  }

  /** Whether nothing can be asked of the peer any more. */
  get over(): boolean {
    return this.#ending || this.#socket.destroyed;
  }

  /** Keeps the reason for which the connection will have ended, unless there is one already. */
  because(reason: string): void {
    this.#reason ??= reason;
  }

  /** Ends the connection once everything is out, or the peer has not taken it in time. */
  end(reason: string): void {
    this.#reason ??= reason;
    if (this.#ending) return;
    this.#ending = true;
    this.#output.flush();
    this.#socket.destroySoon();
    const deadline = this.#deadlines.set(() => this.#socket.destroy());
    this.#socket.once('close', () => deadline.cancel());
  }

  /** Cuts the connection at once: open streams are lost. */
  destroy(reason: string): void {
    this.#reason ??= reason;
    if (this.#socket.destroyed) return;
    if (this.connection.streams > 0) this.connection.sendGoaway(ErrorCode.cancel);
    this.#output.flush();
    this.#socket.destroy();
  }

  #receive(chunk: Buffer, lent: boolean): void {
    this.#reads += 1;
    this.connection.receive(chunk, lent);
  }
}
