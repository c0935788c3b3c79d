import type { SpliceFailure, SplicePair } from '../bytes/splice.ts';
import type { Deadline, Deadlines } from '../deadlines.ts';
import { AskedMode } from './asked-mode.ts';
import { detectHttp } from './detect-http.ts';
import type { HttpGuard } from './http-guard.ts';
import { Http1Mode } from './http1-mode.ts';
import { Http2Mode } from './http2-mode.ts';
import type { JoinMode } from './join-mode.ts';
import { opaqueMode } from './opaque-mode.ts';

/** What the bytes of a port are: said, or to be found out. */
export type PortProtocol = 'http' | 'unknown' | 'opaque';

/** How bytes that are no HTTP are judged. */
export interface OpaqueGuard {
  /** Why they may not pass; undefined when they may. A promise where somebody is asked, which never rejects. */
  admit(): string | undefined | Promise<string | undefined>;
  /** Why they may not pass; undefined when they may. Asked again when something changes. */
  refusal(): string | undefined;
  /** Reports a refusal. */
  refused(reason: string): void;
}

export interface HttpJoinOptions {
  readonly protocol: PortProtocol;
  readonly guard: HttpGuard;
  readonly opaque: OpaqueGuard;
  /** What is said of a connection that is opaque from the start. */
  readonly decision?: string | undefined;
  readonly headDeadlines: Deadlines;
  readonly lingerDeadlines: Deadlines;
  /** How long a client may be silent on an unknown port before the server is let speak. */
  readonly firstByteDeadlines: Deadlines;
}

/** Joins a client and the application where requests are judged, or somebody is asked: `splice` for these. */
export interface HttpJoin {
  /** What is said of the connection as a whole; undefined where its requests are judged. */
  readonly decision: string | undefined;
  start(pair: SplicePair): void;
  /** Why what is under way may not be any more; undefined when it may. */
  recheck(): string | undefined;
}

/** One connection's join; start it once. */
export function httpJoin(options: HttpJoinOptions): HttpJoin {
  let mode: JoinMode | undefined;
  return {
    decision: options.decision,
    recheck: () => mode?.recheck(),
    start: (pair) => {
      const joined = new Joined(pair, options);
      mode = joined;
      joined.start();
    },
  };
}

const NOTHING_MORE = (): undefined => undefined;

/** The two channels, and whatever mode their bytes have turned out to need. */
class Joined implements JoinMode {
  readonly #pair: SplicePair;
  readonly #options: HttpJoinOptions;
  #mode: JoinMode | undefined;
  #first: Buffer = Buffer.alloc(0);
  #silence: Deadline | undefined;
  #open = 2;
  #failure: SpliceFailure | undefined;
  #sourceEnded = false;

  constructor(pair: SplicePair, options: HttpJoinOptions) {
    this.#pair = pair;
    this.#options = options;
  }

  start(): void {
    const { source, destination, meter } = this.#pair;
    destination.start({
      data: (chunk, lent) => {
        meter.bytesOut += chunk.length;
        this.fromDestination(bufferOf(chunk), lent);
      },
      end: () => this.destinationEnded(),
      drain: () => this.destinationDrained(),
      closed: (error) => this.#destinationClosed(error),
    });
    source.start({
      data: (chunk, lent) => {
        meter.bytesIn += chunk.length;
        this.fromSource(bufferOf(chunk), lent);
      },
      end: () => this.sourceEnded(),
      drain: () => this.sourceDrained(),
      closed: (error) => this.#sourceClosed(error),
    });
    if (this.#options.protocol === 'opaque') {
      this.#choose('other', this.#first, false);
      return;
    }
    this.#silence = this.#options[
      this.#options.protocol === 'http' ? 'headDeadlines' : 'firstByteDeadlines'
    ].set(() => this.#onSilence());
  }

  fromSource(chunk: Buffer, lent: boolean): void {
    if (this.#mode !== undefined) return void this.#mode.fromSource(chunk, lent);
    const first = Buffer.concat([this.#first, chunk]);
    const found = detectHttp(first);
    if (found === 'unfinished') {
      this.#first = first;
      return;
    }
    this.#choose(found, first, false);
  }

  sourceEnded(): void {
    this.#sourceEnded = true;
    if (this.#mode !== undefined) return void this.#mode.sourceEnded();
    this.#choose('other', this.#first, true);
  }

  sourceDrained(): void {
    this.#mode?.sourceDrained();
  }

  fromDestination(chunk: Buffer, lent: boolean): void {
    this.#mode?.fromDestination(chunk, lent);
  }

  destinationEnded(): void {
    this.#mode?.destinationEnded();
  }

  destinationDrained(): void {
    this.#mode?.destinationDrained();
  }

  destinationLost(): boolean {
    return this.#mode?.destinationLost() ?? false;
  }

  recheck(): string | undefined {
    return this.#mode?.recheck();
  }

  over(): void {
    this.#silence?.cancel();
    this.#mode?.over();
  }

  #onSilence(): void {
    if (this.#mode !== undefined) return;
    // Who speaks first by the port's declaration, and does not, has nothing to wait for.
    if (this.#options.protocol === 'http') return void this.#reset();
    this.#choose('other', this.#first, false);
  }

  #choose(found: 'http1' | 'http2' | 'other', first: Buffer, ended: boolean): void {
    this.#silence?.cancel();
    const { source, destination } = this.#pair;
    const { guard, opaque, headDeadlines, lingerDeadlines, protocol } = this.#options;
    const asked = { source, destination, guard, headDeadlines, lingerDeadlines };
    if (found === 'http2') this.#mode = new Http2Mode(asked);
    else if (found === 'http1' || protocol === 'http') this.#mode = new Http1Mode(asked);
    else {
      const admitted = opaque.admit();
      if (typeof admitted === 'string') {
        opaque.refused(admitted);
        this.#mode = deadMode();
        return void this.#reset();
      }
      this.#mode = this.#opaqueMode(admitted);
    }
    this.#first = Buffer.alloc(0);
    if (first.length > 0) this.#mode.fromSource(first, false);
    if (ended || this.#sourceEnded) this.#mode.sourceEnded();
  }

  #opaqueMode(admitted: Promise<string | undefined> | undefined): JoinMode {
    const { source, destination } = this.#pair;
    const { opaque } = this.#options;
    const recheck = () => opaque.refusal();
    if (admitted !== undefined) {
      const refused = (reason: string) => opaque.refused(reason);
      return new AskedMode({ source, destination, admitted, refused, recheck });
    }
    // Without a byte of the client's nothing would make the connection.
    destination.write(Buffer.alloc(0), false);
    return opaqueMode(source, destination, recheck);
  }

  #reset(): void {
    this.#pair.source.reset();
    this.#pair.destination.reset();
  }

  #destinationClosed(error: Error | undefined): void {
    this.#open -= 1;
    if (error !== undefined) this.#failure ??= { side: 'destination', error };
    if (this.#open === 0) return void this.#close();
    if (!this.destinationLost() && error !== undefined) this.#pair.source.reset();
  }

  #sourceClosed(error: Error | undefined): void {
    this.#open -= 1;
    if (error !== undefined) {
      this.#failure ??= { side: 'source', error };
      this.#pair.destination.reset();
    }
    this.over();
    if (this.#open === 0) this.#close();
    else if (error === undefined) this.#pair.destination.end();
  }

  #close(): void {
    this.over();
    this.#pair.closed(this.#failure);
  }
}

function deadMode(): JoinMode {
  return {
    ...{ fromSource: NOTHING_MORE, sourceEnded: NOTHING_MORE, sourceDrained: NOTHING_MORE },
    ...{ fromDestination: NOTHING_MORE, destinationEnded: NOTHING_MORE },
    ...{ destinationDrained: NOTHING_MORE, recheck: NOTHING_MORE, over: NOTHING_MORE },
    destinationLost: () => false,
  };
}

function bufferOf(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk)
    ? chunk
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
