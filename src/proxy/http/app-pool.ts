import type { Clock } from '../../lib/clock.ts';
import { type Address, formatAddress } from '../address.ts';
import type { Channel } from '../bytes/channel.ts';
import { type Deadline, Deadlines } from '../deadlines.ts';
import { AppConnection } from './app-connection.ts';
import { DialedChannel } from './dialed-channel.ts';
import { PooledChannel } from './pooled-channel.ts';

interface Resting {
  readonly connection: AppConnection;
  readonly key: string;
  readonly deadline: Deadline;
}

/** Of all applications together; more are closed. */
const MAX_RESTING = 64;

/** Connections to applications that have served a client and wait for the next; the newest goes first. */
export class AppPool {
  readonly #deadlines: Deadlines;
  /** In the order in which they came. */
  readonly #resting = new Set<Resting>();
  #closed = false;

  /** @param restMs how long each may wait. */
  constructor(clock: Clock, restMs: number) {
    this.#deadlines = new Deadlines(clock, restMs);
  }

  /** How many wait. */
  get resting(): number {
    return this.#resting.size;
  }

  /** A channel to the application at `app`, which connects by `dial` unless there is a connection for it. */
  channel(app: Address, dial: () => Promise<Channel>): Channel {
    const key = formatAddress(app);
    return new PooledChannel({
      take: () => this.#take(key),
      make: () => new AppConnection(new DialedChannel(dial)),
      give: (connection) => this.#give(key, connection),
    });
  }

  /** Closes those that wait, and from now on those that come. */
  close(): void {
    this.#closed = true;
    for (const { connection } of [...this.#resting]) connection.reset();
    this.#resting.clear();
    this.#deadlines.close();
  }

  #take(key: string): AppConnection | undefined {
    const found = [...this.#resting].findLast((each) => each.key === key);
    if (found === undefined) return undefined;
    this.#forget(found);
    return found.connection;
  }

  #give(key: string, connection: AppConnection): void {
    if (this.#closed) return void connection.reset();
    if (this.#resting.size >= MAX_RESTING) return void this.#end(connection);
    const resting: Resting = {
      ...{ key, connection },
      deadline: this.#deadlines.set(() => {
        this.#forget(resting);
        this.#end(connection);
      }),
    };
    this.#resting.add(resting);
    if (connection.rest(() => this.#forget(resting))) return;
    this.#forget(resting);
    connection.reset();
  }

  #forget(resting: Resting): void {
    resting.deadline.cancel();
    this.#resting.delete(resting);
  }

  /** Ends in order; an application that does not end in turn is cut. */
  #end(connection: AppConnection): void {
    const deadline = this.#deadlines.set(() => connection.reset());
    connection.attach({
      ...{ data: () => undefined, end: () => undefined, drain: () => undefined },
      closed: () => deadline.cancel(),
    });
    connection.end();
  }
}
