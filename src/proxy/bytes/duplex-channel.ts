import type { Duplex } from 'node:stream';
import type { Channel, ChannelHandlers } from './channel.ts';
import { SlabWrites } from './slab-writes.ts';

/** What a DuplexChannel must know about the kind of stream it is given. */
export interface DuplexKind<T extends Duplex> {
  /** Cuts the stream so that the other side sees an error. */
  reset(duplex: T): void;
  /** Why a closed stream counts as cut though it reports no error, if it does. */
  failure?(duplex: T): Error | undefined;
  /** Where bytes come from, if not from the stream's events; they are lent. */
  readonly reads?: { start(reader: (chunk: Buffer) => void): void };
}

/** Pieces from here on are worth waiting for each other. */
const CORK_BYTES = 4 * 1024;

/** A Channel over a socket or stream of Node's, by its events and without layers in between. */
export class DuplexChannel<T extends Duplex> implements Channel {
  readonly #duplex: T;
  readonly #kind: DuplexKind<T>;
  readonly #lentWrites: SlabWrites;
  #error: Error | undefined;
  #closed = false;
  #ended = false;
  #corked = false;
  #handlers: ChannelHandlers | undefined;

  /** Make it while the stream is young: from here on its errors and its end are heard. */
  constructor(duplex: T, kind: DuplexKind<T>) {
    this.#duplex = duplex;
    this.#kind = kind;
    this.#lentWrites = new SlabWrites(duplex, () => this.#onDrain());
    duplex.on('error', (error) => {
      this.#error ??= error;
      // Node tells of a fatal alert of TLS without closing, from inside of TLS, where nothing may be freed.
      setImmediate(() => duplex.destroy());
    });
    duplex.once('close', () => this.#onClose());
    // Its event may have been before our time.
    if (duplex.destroyed) setImmediate(() => this.#onClose());
  }

  start(handlers: ChannelHandlers): void {
    if (this.#closed) {
      queueMicrotask(() => handlers.closed(this.#outcome()));
      return;
    }
    this.#handlers = handlers;
    const { reads } = this.#kind;
    if (reads === undefined) this.#duplex.on('data', (chunk) => handlers.data(chunk, false));
    else reads.start((chunk) => handlers.data(chunk, true));
    this.#duplex.on('end', () => {
      // A stream of HTTP/2 that is cut ends too, before its error is told; one of TLS that failed, after it.
      if (this.#duplex.destroyed || this.#error !== undefined) return;
      this.#ended = true;
      handlers.end();
    });
    this.#duplex.on('drain', () => this.#onDrain());
    this.#duplex.resume();
  }

  write(chunk: Uint8Array, lent: boolean): boolean {
    if (lent && (chunk.length >= CORK_BYTES || this.#lentWrites.pending)) {
      return this.#lentWrites.write(chunk);
    }
    this.#lentWrites.flush();
    if (chunk.length >= CORK_BYTES) this.#cork();
    return this.#duplex.write(lent ? Buffer.from(chunk) : chunk);
  }

  end(): void {
    this.#lentWrites.flush();
    this.#duplex.end();
  }

  pause(): void {
    this.#duplex.pause();
  }

  resume(): void {
    this.#duplex.resume();
  }

  reset(): void {
    if (this.#closed) return;
    this.#error ??= new Error('cut by this proxy');
    this.#kind.reset(this.#duplex);
  }

  #onDrain(): void {
    if (!(this.#lentWrites.held || this.#duplex.writableNeedDrain)) this.#handlers?.drain();
  }

  /** What else is written in this turn of the loop goes out with it in one system call. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#duplex.cork();
    setImmediate(() => {
      this.#corked = false;
      this.#duplex.uncork();
    });
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers?.closed(this.#outcome());
  }

  #outcome(): Error | undefined {
    if (this.#error !== undefined) return this.#error;
    const failure = this.#kind.failure?.(this.#duplex);
    if (failure !== undefined) return failure;
    if (this.#ended && this.#duplex.writableFinished) return undefined;
    return new Error('closed before both sides had ended');
  }
}
