import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { startApp } from '../../../test/kit/proxy-pair.ts';
import { Deadlines } from '../deadlines.ts';
import { sniff } from './sniff.ts';

/** An accepted connection from which nothing was read yet, and the client's end of it. */
async function accepted(): Promise<{ socket: Socket; client: Socket } & AsyncDisposable> {
  const server = createServer({ pauseOnConnect: true });
  const app = await startApp(server);
  const client = connect(app.address);
  const [socket] = (await once(server, 'connection')) as [Socket];
  return { socket, client, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

function deadlines(clock: ManualClock) {
  return { firstByte: new Deadlines(clock, 10), wholeHello: new Deadlines(clock, 10) };
}

it('reads what has long been there before it calls a client silent', async () => {
  const clock = new ManualClock();
  await using connection = await accepted();
  await new Promise((resolve) => connection.client.write('GET / HTTP/1.1\r\n', resolve));
  await delay(20);
  const sniffed = sniff(connection.socket, deadlines(clock));
  // the loop was held up: the time is over before it has looked at the socket once
  void clock.advance(10);
  expect(await sniffed).toEqual({ kind: 'plaintext' });
  connection.client.destroy();
});

it('calls a client silent from which nothing came', async () => {
  const clock = new ManualClock();
  await using connection = await accepted();
  const sniffed = sniff(connection.socket, deadlines(clock));
  await clock.advance(10);
  expect(await sniffed).toEqual({ kind: 'silent' });
  connection.client.destroy();
});
