import { connect, type Socket } from 'node:net';

/** One TCP connection on which HTTP requests follow each other; it never connects again. */
export interface LastingConnection {
  /** From the opening to the newest answer. */
  readonly openForMs: number;
  readonly lastAnswerAtMs: number;
  /** The status codes so far. */
  readonly answers: readonly number[];
  /** The status code of one more request on the same connection. */
  request(path: string): Promise<number>;
  close(): void;
}

const TIMEOUT_MS = 5_000;
const HEAD_END = '\r\n\r\n';

export async function openLastingConnection(port: number): Promise<LastingConnection> {
  const socket: Socket = await new Promise((resolve, reject) => {
    const opened = connect({ host: '127.0.0.1', port }, () => resolve(opened));
    opened.once('error', reject);
  });
  const openedAtMs = Date.now();
  const answers: number[] = [];
  let lastAnswerAtMs = openedAtMs;
  return {
    answers,
    get lastAnswerAtMs() {
      return lastAnswerAtMs;
    },
    get openForMs() {
      return lastAnswerAtMs - openedAtMs;
    },
    async request(path) {
      const status = await exchange(socket, path);
      answers.push(status);
      lastAnswerAtMs = Date.now();
      return status;
    },
    close: () => socket.destroy(),
  };
}

function exchange(socket: Socket, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (error: Error | undefined, status = 0): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose).off('error', onError);
      if (error === undefined) resolve(status);
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      // Our services answer in chunks; the last one is empty.
      if (text.includes(HEAD_END) && text.endsWith(`0${HEAD_END}`))
        settle(undefined, Number(text.slice(9, 12)));
    };
    const onClose = (): void => settle(new Error('the connection was closed'));
    const onError = (error: Error): void => settle(error);
    const timer = setTimeout(
      () => settle(new Error(`no answer within ${TIMEOUT_MS} ms`)),
      TIMEOUT_MS,
    );
    socket.on('data', onData).on('close', onClose).on('error', onError);
    socket.write(`GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`);
  });
}
