import type { ChannelHandlers } from '../../src/proxy/bytes/channel.ts';
import { FrameOutput } from '../../src/proxy/hbone/frames/frame-output.ts';
import { SlabPool } from '../../src/proxy/hbone/frames/slab-pool.ts';
import type { HboneStream } from '../../src/proxy/hbone/session/hbone-stream.ts';
import { Http2Connection } from '../../src/proxy/hbone/session/http2-connection.ts';

const slabs = new SlabPool(128 * 1024, 16);

/** One end of a connection in memory: nothing happens unless a test says so. */
export class ConnectionEnd {
  readonly connection: Http2Connection;
  readonly output: FrameOutput;
  /** Streams of this end, by identifier. */
  readonly streams = new Map<number, StreamProbe>();
  readonly failures: string[] = [];
  readonly goaways: number[] = [];
  readonly aborted: number[] = [];
  pongs = 0;
  nowMs = 0;
  /** Written and not delivered yet. */
  #wire: Buffer = Buffer.alloc(0);
  readonly #written: (() => void)[] = [];
  readonly #scheduled: (() => void)[] = [];

  constructor(role: 'client' | 'server', maxStreams = 100) {
    const schedule = (call: () => void): void => {
      this.#scheduled.push(call);
    };
    this.output = new FrameOutput({
      ...{ schedule, slabs },
      sink: {
        write: (bytes, written) => {
          this.#wire = Buffer.concat([this.#wire, bytes]);
          this.#written.push(written);
        },
      },
      written: () => this.connection.written(),
    });
    this.connection = new Http2Connection({
      ...{ role, maxStreams, schedule, output: this.output, nowMs: () => this.nowMs },
      events: {
        settings: () => undefined,
        headers: (stream) => {
          stream.answered = true;
          if (role === 'client') return;
          this.add(stream);
          this.connection.headers(stream, [[':status', '200']], false);
        },
        aborted: (_, code) => this.aborted.push(code),
        goaway: (code) => this.goaways.push(code),
        pong: () => {
          this.pongs += 1;
        },
        idle: () => undefined,
        failed: (reason) => this.failures.push(reason),
      },
    });
    this.connection.begin();
  }

  /** Opens a stream; undefined when the connection is over. */
  open(): StreamProbe | undefined {
    const stream = this.connection.open([
      [':method', 'CONNECT'],
      [':authority', '10.0.0.1:80'],
    ]);
    return stream === undefined ? undefined : this.add(stream);
  }

  add(stream: HboneStream): StreamProbe {
    const probe = new StreamProbe(stream);
    this.streams.set(stream.id, probe);
    return probe;
  }

  /** One turn of the event loop. */
  turn(): void {
    for (const call of this.#scheduled.splice(0)) call();
  }

  /** TLS says that its oldest write is out. */
  sent(): void {
    this.#written.shift()?.();
  }

  /** At most so many bytes of what was written, for the other end. */
  take(bytes: number = this.#wire.length): Buffer {
    const chunk = this.#wire.subarray(0, bytes);
    this.#wire = this.#wire.subarray(bytes);
    return chunk;
  }

  /** Bytes from the other end, lent: they are overwritten at once. */
  receive(bytes: Buffer): void {
    const lent = Buffer.from(bytes);
    this.connection.receive(lent, true);
    lent.fill(0xee);
  }

  /** Whether nothing will happen by itself any more. */
  get quiet(): boolean {
    return this.#wire.length + this.#written.length + this.#scheduled.length === 0;
  }
}

/** Writes a pattern, and checks that what arrives is one. */
export class StreamProbe {
  readonly stream: HboneStream;
  written = 0;
  received = 0;
  ended = false;
  paused = false;
  /** Of bytes that were not those of the pattern. */
  wrongAt: number | undefined;
  closed: { readonly error: Error | undefined } | undefined;
  drains = 0;
  held = false;
  #finished = false;

  constructor(stream: HboneStream) {
    this.stream = stream;
    const handlers: ChannelHandlers = {
      data: (chunk) => this.#check(chunk),
      end: () => {
        this.ended = true;
      },
      drain: () => {
        this.held = false;
        this.drains += 1;
      },
      closed: (error) => {
        this.closed = { error };
      },
    };
    stream.start(handlers);
  }

  /** Whether the stream is there, has room and was not ended. */
  get mayWrite(): boolean {
    return this.stream.answered && !this.held && !this.#finished;
  }

  end(): void {
    this.#finished = true;
    this.stream.end();
  }

  /** Lends the next bytes of the pattern; what is lent is overwritten at once. */
  write(bytes: number): void {
    const chunk = Buffer.from(Array.from({ length: bytes }, (_, i) => pattern(this.written + i)));
    this.written += bytes;
    this.held = !this.stream.write(chunk, true);
    chunk.fill(0xee);
  }

  #check(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (byte !== pattern(this.received)) this.wrongAt ??= this.received;
      this.received += 1;
    }
    if (this.paused) this.stream.pause();
  }
}

function pattern(position: number): number {
  return (position * 31 + (position >> 8)) & 0xff;
}

/** Lets everything happen that will, both ways. */
export function settle(client: ConnectionEnd, server: ConnectionEnd): void {
  while (!(client.quiet && server.quiet)) {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.turn();
      from.sent();
      to.receive(from.take());
    }
  }
}
