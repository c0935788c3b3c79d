import type { Channel, ChannelHandlers, Sharing } from '../bytes/channel.ts';
import type { AppConnection } from './app-connection.ts';

export interface PooledChannelOptions {
  /** A connection that waits, if there is one. */
  readonly take: () => AppConnection | undefined;
  /** A connection that is made when something is first written to it. */
  readonly make: () => AppConnection;
  /** Takes a connection back. */
  readonly give: (connection: AppConnection) => void;
}

/** A Channel that borrows its connection when it is first used, and gives it back if told so. */
export class PooledChannel implements Channel {
  readonly sharing: Sharing = {
    repeatable: () => {
      this.#repeatable = true;
    },
    release: () => this.#release(),
  };
  readonly #options: PooledChannelOptions;
  #handlers: ChannelHandlers | undefined;
  #connection: AppConnection | undefined;
  #repeatable = false;
  /** What must be said again if a borrowed connection turns out to be gone; nothing once it has answered. */
  #unanswered: Buffer[] | undefined;
  #ended = false;
  #paused = false;
  #closed = false;

  constructor(options: PooledChannelOptions) {
    this.#options = options;
  }

  start(handlers: ChannelHandlers): void {
    this.#handlers = handlers;
  }

  write(chunk: Uint8Array, lent: boolean): boolean {
    if (this.#closed) return true;
    const connection = this.#connection ?? this.#begin();
    this.#unanswered?.push(Buffer.from(chunk));
    return connection.write(chunk, lent);
  }

  end(): void {
    if (this.#closed) return;
    this.#ended = true;
    (this.#connection ?? this.#make()).end();
  }

  pause(): void {
    this.#paused = true;
    this.#connection?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#connection?.resume();
  }

  reset(): void {
    if (this.#closed) return;
    (this.#connection ?? this.#make()).reset();
  }

  #begin(): AppConnection {
    const borrowed = this.#repeatable ? this.#options.take() : undefined;
    if (borrowed === undefined) return this.#make();
    this.#unanswered = [];
    return this.#use(borrowed);
  }

  #make(): AppConnection {
    return this.#use(this.#options.make());
  }

  #use(connection: AppConnection): AppConnection {
    this.#connection = connection;
    connection.attach({
      data: (chunk, lent) => {
        this.#unanswered = undefined;
        this.#handlers?.data(chunk, lent);
      },
      end: () => {
        if (this.#unanswered === undefined) this.#handlers?.end();
        else this.#again(connection);
      },
      drain: () => this.#handlers?.drain(),
      closed: (error) => {
        if (this.#unanswered === undefined) this.#close(error);
        else this.#again(connection);
      },
    });
    if (this.#paused) connection.pause();
    return connection;
  }

  /** The application had closed what we borrowed before it read the request: a new one is asked. */
  #again(gone: AppConnection): void {
    const said = this.#unanswered ?? [];
    this.#unanswered = undefined;
    gone.rest(() => undefined);
    gone.reset();
    const connection = this.#make();
    for (const chunk of said) connection.write(chunk, false);
    if (this.#ended) connection.end();
  }

  #release(): void {
    if (this.#closed) return;
    const connection = this.#connection;
    if (connection === undefined || this.#ended) return void this.end();
    this.#connection = undefined;
    this.#options.give(connection);
    this.#closed = true;
    queueMicrotask(() => this.#handlers?.closed(undefined));
  }

  #close(error: Error | undefined): void {
    this.#closed = true;
    this.#handlers?.closed(error);
  }
}
