import { Duplex } from 'node:stream';
import type { Channel } from '../bytes/channel.ts';

/** A Channel as a stream of Node's, for clients of Node's that want a socket. */
export class ChannelDuplex extends Duplex {
  readonly #channel: Channel;
  #drained: (() => void) | undefined;
  #closed = false;

  /** The channel has not been started. */
  constructor(channel: Channel) {
    super({ allowHalfOpen: true });
    this.#channel = channel;
    channel.start({
      data: (chunk, lent) => {
        if (!this.push(lent ? Buffer.from(chunk) : chunk)) channel.pause();
      },
      end: () => this.push(null),
      drain: () => {
        const drained = this.#drained;
        this.#drained = undefined;
        drained?.();
      },
      closed: (error) => {
        this.#closed = true;
        this.destroy(error);
      },
    });
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _encoding: string, written: () => void): void {
    if (this.#channel.write(chunk, false)) written();
    else this.#drained = written;
  }

  override _final(done: () => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#closed) this.#channel.reset();
    done(error);
  }

  // What clients of HTTP do with sockets; timeouts and keep-alive are those of the channel.
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
