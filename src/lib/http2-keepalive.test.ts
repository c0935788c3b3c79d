import { type ClientHttp2Session, connect, createServer } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { keepAlive } from './http2-keepalive.ts';

const EMPTY_SETTINGS_FRAME = Buffer.from('000000040000000000', 'hex');
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function sessionWith(server: Server): Promise<ClientHttp2Session> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  closers.push(
    () => server.close(),
    () => session.destroy(),
  );
  await new Promise((resolve) => session.once('connect', resolve));
  return session;
}

it('ends a session whose peer falls silent, and says so', async () => {
  const silent = createTcpServer((socket) =>
    socket.on('error', () => undefined).write(EMPTY_SETTINGS_FRAME),
  );
  const session = await sessionWith(silent);
  const failed = new Promise<Error>((resolve) => session.once('error', resolve));
  keepAlive(session, { intervalMs: 10, timeoutMs: 30 });
  expect((await failed).message).toBe('the peer did not answer a PING within 30 ms');
  expect(session.destroyed).toBe(true);
});

it('leaves a session alone whose peer answers, and stops with it', async () => {
  const session = await sessionWith(createServer() as unknown as Server);
  keepAlive(session, { intervalMs: 10, timeoutMs: 10_000 });
  await delay(100);
  expect(session.destroyed).toBe(false);
  session.destroy();
  await delay(30);
});
