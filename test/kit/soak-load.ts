import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../../src/proxy/address.ts';
import { dial } from './proxy-pair.ts';

const LONGEST_REQUEST_MS = 15_000;
const MOST_REQUESTS_PER_CONNECTION = 40;

/** A request that failed while a worker was crashing. */
interface Undecided {
  readonly connection: OpenConnection;
  readonly wasAsked: boolean;
  readonly reason: string;
}

/** Connections that ask again and again, each replaced after a while. */
export class SoakLoad {
  /** Why each failed request did; a connection that could not be made is in it too. */
  readonly failures: string[] = [];
  requests = 0;
  opened = 0;
  /** Connections that were open when a worker crashed and were cut at that moment. */
  lostConnections = 0;
  /** Requests that were on them then. */
  lostRequests = 0;
  readonly #entrance: Address;
  /** While a worker crashes. */
  #undecided: Undecided[] | undefined;

  constructor(entrance: Address) {
    this.#entrance = entrance;
  }

  async run(connections: number, stop: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: connections }, () => this.#client(stop)));
  }

  /**
   * A connection that was made before the worker ended and is cut while `crash` runs counts as lost, not as
   * failed.
   *
   * @param crash resolves with when the worker ended, once all workers serve again
   */
  async duringCrash(crash: () => Promise<number>): Promise<void> {
    const undecided: Undecided[] = [];
    this.#undecided = undecided;
    const endedAtMs = await crash();
    this.#undecided = undefined;
    for (const { connection, wasAsked, reason } of undecided) {
      if (connection.madeAtMs > endedAtMs) {
        this.#failed(reason);
        continue;
      }
      this.lostConnections += 1;
      if (wasAsked) this.lostRequests += 1;
    }
  }

  async #client(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const socket = await this.#open();
      if (socket === undefined) continue;
      const open = new OpenConnection(socket);
      const requests = 1 + Math.floor(MOST_REQUESTS_PER_CONNECTION * Math.random());
      for (let count = 0; count < requests && !stop.aborted; count += 1) {
        if (!(await this.#request(open))) break;
        await sleep(200 + 400 * Math.random(), undefined, { signal: stop }).catch(() => undefined);
      }
      socket.destroy();
    }
  }

  async #open(): Promise<Socket | undefined> {
    try {
      this.opened += 1;
      return await dial(this.#entrance);
    } catch (error) {
      this.#failed(`could not connect: ${String(error)}`);
      await sleep(100);
      return undefined;
    }
  }

  async #request(open: OpenConnection): Promise<boolean> {
    // One that was cut while nothing was asked on it loses no request.
    const wasAsked = !open.cut;
    this.requests += 1;
    const text = `request ${this.requests}`;
    const late = setTimeout(() => open.socket.destroy(), LONGEST_REQUEST_MS);
    try {
      const answer = await open.echoed(text);
      if (answer === text) return true;
      this.#failed(`${text} was answered "${answer.slice(0, 80)}"`);
    } catch (error) {
      const reason = `${text}, on a connection of ${open.ageMs} ms: ${String(error)}`;
      if (this.#undecided === undefined) this.#failed(reason);
      else this.#undecided.push({ connection: open, wasAsked, reason });
    } finally {
      clearTimeout(late);
    }
    return false;
  }

  #failed(reason: string): void {
    this.failures.push(`${new Date().toISOString()} ${reason}`);
  }
}

class OpenConnection {
  readonly socket: Socket;
  readonly madeAtMs = Date.now();
  cut = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.once('end', () => socket.destroy());
    socket.once('close', () => {
      this.cut = true;
    });
  }

  get ageMs(): number {
    return Date.now() - this.madeAtMs;
  }

  /** What comes back for a text, on a connection on which one asks at a time. */
  echoed(text: string): Promise<string> {
    const { socket } = this;
    return new Promise((resolve, reject) => {
      const closed = (): void => reject(new Error('closed before any data came'));
      if (socket.destroyed) return closed();
      socket.once('close', closed);
      socket.once('data', (chunk: Buffer) => {
        socket.removeListener('close', closed);
        resolve(chunk.toString());
      });
      socket.write(text);
    });
  }
}
