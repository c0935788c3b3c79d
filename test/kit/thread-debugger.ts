import { setTimeout as sleep } from 'node:timers/promises';

/** Arguments of Node.js for a process whose threads shall be looked into: its debugger has that port. */
export function debuggable(port: number): readonly string[] {
  return [`--inspect=127.0.0.1:${port}`];
}

export interface DebuggableProcess {
  /** The one of `debuggable`. */
  readonly inspectPort: number;
}

interface Answer {
  readonly result?: { readonly result?: { readonly value?: unknown } };
}

interface Message extends Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId: string; readonly message: string };
}

/** The debugger of Node.js in another process, so that the program itself needs no door for tests. */
export class ThreadDebugger {
  /** Its workers, in the order in which they were started. */
  readonly workers: string[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(String(data)));
  }

  static async attach({ inspectPort }: DebuggableProcess): Promise<ThreadDebugger> {
    const socket = new WebSocket(await debuggerUrl(inspectPort));
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error(`no debugger at port ${inspectPort}`));
    });
    const attached = new ThreadDebugger(socket);
    // Its answer comes after all workers have been told of.
    await attached.main('NodeWorker.enable', { waitForDebuggerOnStart: false });
    return attached;
  }

  /** Asks the main thread. */
  main(method: string, params: object = {}): Promise<Answer> {
    this.#lastId += 1;
    const id = this.#lastId;
    return this.#answer(`main ${id}`, { id, method, params });
  }

  /** Asks one of `workers`. */
  worker(sessionId: string, method: string, params: object = {}): Promise<Answer> {
    this.#lastId += 2;
    const [id, inner] = [this.#lastId, this.#lastId - 1];
    const message = JSON.stringify({ id: inner, method, params });
    const to = { id, method: 'NodeWorker.sendMessageToWorker', params: { sessionId, message } };
    return this.#answer(`worker ${inner}`, to);
  }

  close(): void {
    this.#socket.close();
  }

  #answer(key: string, message: object): Promise<Answer> {
    return new Promise((resolve) => {
      this.#waiting.set(key, resolve);
      this.#socket.send(JSON.stringify(message));
    });
  }

  #hear({ id, method, params, ...rest }: Message): void {
    if (method === 'NodeWorker.attachedToWorker' && params !== undefined) {
      this.workers.push(params.sessionId);
    } else if (method === 'NodeWorker.receivedMessageFromWorker' && params !== undefined) {
      const inner = JSON.parse(params.message) as Message;
      this.#waiting.get(`worker ${inner.id}`)?.(inner);
    } else if (id !== undefined) {
      this.#waiting.get(`main ${id}`)?.(rest);
    }
  }
}

const PATIENCE_MS = 60_000;

async function debuggerUrl(port: number): Promise<string> {
  for (const deadlineMs = Date.now() + PATIENCE_MS; Date.now() < deadlineMs; ) {
    const targets = await fetch(`http://127.0.0.1:${port}/json/list`)
      .then((answer) => answer.json() as Promise<readonly { webSocketDebuggerUrl: string }[]>)
      .catch(() => []);
    const [target] = targets;
    if (target !== undefined) return target.webSocketDebuggerUrl;
    await sleep(50);
  }
  throw new Error(`the debugger on port ${port} does not answer`);
}
