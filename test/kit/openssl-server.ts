import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** `openssl s_server`, which answers each line with the line backwards. */
export interface OpensslServer extends AsyncDisposable {
  readonly port: number;
  /** What it printed since the last call. */
  said(): string;
}

const PATIENCE_MS = 30_000;

/** @param args further ones: certificate, key, what is asked of clients. */
export async function opensslServer(
  program: string,
  port: number,
  args: readonly string[],
): Promise<OpensslServer> {
  const child = spawn(program, ['s_server', '-accept', `127.0.0.1:${port}`, '-rev', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  await listening(child, port, () => text);
  return {
    port,
    said() {
      const said = text;
      text = '';
      return said;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function listening(child: ChildProcess, port: number, said: () => string): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadlineMs)
      throw new Error(`openssl s_server does not listen: ${said()}`);
    await delay(20);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
