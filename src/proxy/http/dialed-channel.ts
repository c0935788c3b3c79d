import type { Channel, ChannelHandlers } from '../bytes/channel.ts';

/** What may wait for the connection; more is not asked for. */
const LIMIT_BYTES = 64 * 1024;

/** A Channel that is connected when something is first written to it, and never without. */
export class DialedChannel implements Channel {
  readonly #dial: () => Promise<Channel>;
  #handlers: ChannelHandlers | undefined;
  #channel: Channel | undefined;
  #state: 'unused' | 'dialing' | 'open' | 'closed' = 'unused';
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #ended = false;
  #paused = false;

  /** @param dial its channel has not been started. */
  constructor(dial: () => Promise<Channel>) {
    this.#dial = dial;
  }

  start(handlers: ChannelHandlers): void {
    this.#handlers = handlers;
  }

  write(chunk: Uint8Array, lent: boolean): boolean {
    if (this.#channel !== undefined) return this.#channel.write(chunk, lent);
    if (this.#state === 'closed') return true;
    this.#waiting.push(Buffer.from(chunk));
    this.#waitingBytes += chunk.length;
    if (this.#state === 'unused') this.#connect();
    return this.#waitingBytes < LIMIT_BYTES;
  }

  end(): void {
    this.#ended = true;
    if (this.#channel !== undefined) this.#channel.end();
    else if (this.#state === 'unused') this.#close(undefined);
  }

  pause(): void {
    this.#paused = true;
    this.#channel?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#channel?.resume();
  }

  reset(): void {
    if (this.#channel !== undefined) this.#channel.reset();
    else this.#close(new Error('cut by this proxy'));
  }

  #connect(): void {
    this.#state = 'dialing';
    this.#dial().then(
      (channel) => this.#opened(channel),
      (error: unknown) => this.#close(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #opened(channel: Channel): void {
    const handlers = this.#handlers;
    if (this.#state === 'closed' || handlers === undefined) {
      channel.start({
        ...{ data: () => undefined, end: () => undefined, drain: () => undefined },
        closed: () => undefined,
      });
      channel.reset();
      return;
    }
    this.#state = 'open';
    this.#channel = channel;
    const full = this.#waitingBytes >= LIMIT_BYTES;
    channel.start(handlers);
    if (this.#paused) channel.pause();
    const room = this.#waiting.splice(0).map((chunk) => channel.write(chunk, false));
    if (this.#ended) channel.end();
    if (full && room.at(-1) !== false) handlers.drain();
  }

  #close(error: Error | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#waiting.length = 0;
    queueMicrotask(() => this.#handlers?.closed(error));
  }
}
