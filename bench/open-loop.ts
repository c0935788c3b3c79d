import { connect, type Socket } from 'node:net';

/** What an open loop gave, in the form of wrk's results. */
export interface OpenLoopResult {
  readonly requests: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly problem: string | undefined;
}

export interface OpenLoopRun {
  readonly port: number;
  readonly path: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const CONNECTIONS = 64;
const LATE_MS = 10_000;

/**
 * Asks at fixed times, whatever became of the questions before: a queue that builds up is seen, which
 * who waits for answers hides. Each answer's time counts from when its question was due.
 */
export async function runOpenLoop(run: OpenLoopRun): Promise<OpenLoopResult> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(run)));
  const idle = [...clients];
  const waiting: number[] = [];
  const tookMs: number[] = [];
  const startMs = performance.now();
  const total = run.perSecond * run.seconds;
  let due = 0;
  const next = (client: Client): void => {
    const dueMs = waiting.shift();
    if (dueMs === undefined) idle.push(client);
    else client.ask(dueMs);
  };
  for (const client of clients) {
    client.answered = (dueMs) => {
      tookMs.push(performance.now() - dueMs);
      next(client);
    };
  }
  while (tookMs.length < total && performance.now() - startMs < run.seconds * 1_000 + LATE_MS) {
    run.signal.throwIfAborted();
    const nowMs = performance.now();
    for (; due < total && startMs + (due * 1_000) / run.perSecond <= nowMs; due += 1) {
      waiting.push(startMs + (due * 1_000) / run.perSecond);
    }
    while (waiting.length > 0 && idle.length > 0) {
      const client = idle.shift();
      if (client !== undefined) next(client);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  for (const client of clients) client.close();
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  const missing = total - tookMs.length;
  return {
    ...{ requests: tookMs.length, seconds: run.seconds, bytes: 0 },
    ...{ p50Ms: at(0.5), p99Ms: at(0.99) },
    problem: missing === 0 ? undefined : `${missing} requests were not answered`,
  };
}

/** One connection that is kept, with at most one question on it. */
class Client {
  answered: (dueMs: number) => void = () => undefined;
  readonly #socket: Socket;
  readonly #request: string;
  #dueMs = 0;
  #received = '';

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#request = `GET ${path} HTTP/1.1\r\nHost: callee\r\n\r\n`;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  static open({ port, path }: OpenLoopRun): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new Client(socket, path)));
    });
  }

  ask(dueMs: number): void {
    this.#dueMs = dueMs;
    this.#socket.write(this.#request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received += chunk.toString('latin1');
    const end = this.#received.indexOf('\r\n\r\n');
    const length = /content-length: (\d+)/i.exec(this.#received)?.[1];
    if (end < 0 || length === undefined) return;
    if (this.#received.length < end + 4 + Number(length)) return;
    this.#received = '';
    this.answered(this.#dueMs);
  }
}
