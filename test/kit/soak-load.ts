import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../../src/proxy/address.ts';
import { dial } from './proxy-pair.ts';

const LONGEST_REQUEST_MS = 15_000;
const MOST_REQUESTS_PER_CONNECTION = 40;
/** The other sidecar learns of a crash by resets, and may begin something on a session that is no more until then. */
const NOTICED_MS = 100;

/** A connection that was cut while a worker was crashing. */
interface Undecided {
  readonly startedAtMs: number;
  /** Undefined where it was cut before we learnt that it was made. */
  readonly madeAtMs: number | undefined;
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
  /** Connections that were being made when a worker ended, which had accepted them or was about to. */
  interruptedConnections = 0;
  /** Requests that were on both then. */
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
   * A connection that was made before the worker ended and is cut while `crash` runs counts as lost, and one
   * that was begun before, or until the other sidecar knows, counts as interrupted: that it was made, a busy
   * client learns later. Neither counts as failed, and whatever was begun afterwards does.
   *
   * @param crash resolves with when the worker ended, once all workers serve again
   */
  async duringCrash(crash: () => Promise<number>): Promise<void> {
    const undecided: Undecided[] = [];
    this.#undecided = undecided;
    const endedAtMs = await crash();
    this.#undecided = undefined;
    for (const { startedAtMs, madeAtMs = Infinity, wasAsked, reason } of undecided) {
      if (startedAtMs > endedAtMs + NOTICED_MS) {
        this.#failed(reason);
        continue;
      }
      if (madeAtMs > endedAtMs) this.interruptedConnections += 1;
      else this.lostConnections += 1;
      if (wasAsked) this.lostRequests += 1;
    }
  }

  async #client(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const open = await this.#open();
      if (open === undefined) continue;
      const requests = 1 + Math.floor(MOST_REQUESTS_PER_CONNECTION * Math.random());
      for (let count = 0; count < requests && !stop.aborted; count += 1) {
        if (!(await this.#request(open))) break;
        await sleep(200 + 400 * Math.random(), undefined, { signal: stop }).catch(() => undefined);
      }
      open.socket.destroy();
    }
  }

  async #open(): Promise<OpenConnection | undefined> {
    const startedAtMs = Date.now();
    try {
      this.opened += 1;
      return new OpenConnection(await dial(this.#entrance), startedAtMs);
    } catch (error) {
      const reason = `could not connect: ${String(error)}`;
      if (this.#undecided === undefined) this.#failed(reason);
      else this.#undecided.push({ startedAtMs, madeAtMs: undefined, wasAsked: false, reason });
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
      else this.#undecided.push({ ...open.times, wasAsked, reason });
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
  readonly times: { readonly startedAtMs: number; readonly madeAtMs: number };
  cut = false;

  constructor(socket: Socket, startedAtMs: number) {
    this.socket = socket;
    this.times = { startedAtMs, madeAtMs: Date.now() };
    socket.once('end', () => socket.destroy());
    socket.once('close', () => {
      this.cut = true;
    });
  }

  get ageMs(): number {
    return Date.now() - this.times.madeAtMs;
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
