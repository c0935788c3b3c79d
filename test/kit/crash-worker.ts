import { setTimeout as sleep } from 'node:timers/promises';

/** Arguments of Node.js for a process whose workers shall be crashed: its debugger has that port once it is asked for. */
export function crashable(port: number): readonly string[] {
  return [`--inspect-port=127.0.0.1:${port}`];
}

export interface CrashableProcess {
  readonly pid: number;
  /** The one of `crashable`. */
  readonly inspectPort: number;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly sessionId: string;
    readonly message: string;
    readonly workerInfo: { readonly workerId: string };
  };
}

/**
 * Makes one thread of a process die of an error that nobody catches, as a bug in it would: through the
 * debugger of Node.js, so that the program itself needs no door for it. Of the proxy's workers, the one
 * that was started last; resolves when it has been told.
 */
export async function crashWorker({ pid, inspectPort }: CrashableProcess): Promise<void> {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await debuggerUrl(inspectPort));
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`no debugger at port ${inspectPort}`));
  });
  const sessions: string[] = [];
  const dying = Promise.withResolvers<void>();
  socket.onmessage = ({ data }) => {
    const { id, method, params } = JSON.parse(String(data)) as Message;
    if (method === 'NodeWorker.attachedToWorker' && params !== undefined) {
      sessions.push(params.sessionId);
    }
    if (method === 'NodeWorker.receivedMessageFromWorker') dying.resolve();
    // The answer comes after all workers have been told of.
    if (id === 1) {
      const crash = "setImmediate(() => { throw new Error('crashed on purpose'); })";
      const evaluate = { id: 1, method: 'Runtime.evaluate', params: { expression: crash } };
      const message = JSON.stringify(evaluate);
      const to = { sessionId: sessions.at(-1), message };
      socket.send(JSON.stringify({ id: 2, method: 'NodeWorker.sendMessageToWorker', params: to }));
    }
  };
  const enable = { waitForDebuggerOnStart: false };
  socket.send(JSON.stringify({ id: 1, method: 'NodeWorker.enable', params: enable }));
  await Promise.race([dying.promise, sleep(10_000)]);
  socket.close();
}

async function debuggerUrl(port: number): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    const targets = await fetch(`http://127.0.0.1:${port}/json/list`)
      .then((answer) => answer.json() as Promise<readonly { webSocketDebuggerUrl: string }[]>)
      .catch(() => []);
    const [target] = targets;
    if (target !== undefined) return target.webSocketDebuggerUrl;
    await sleep(50);
  }
  throw new Error(`the debugger on port ${port} does not answer`);
}
