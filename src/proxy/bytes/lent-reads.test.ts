import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startApp, until } from '../../../test/kit/proxy-pair.ts';
import { systemClock } from '../../lib/clock.ts';
import { Deadlines } from '../deadlines.ts';
import { connectTcp } from '../outbound/connect-tcp.ts';
import { LentReads } from './lent-reads.ts';
import { lendingChannel } from './socket-channel.ts';

const deadlines = new Deadlines(systemClock, 10_000);

/** A connection to a server that sends each of `parts` at once, and what its channel was given. */
async function reading(parts: readonly Buffer[], { pauseAfter = Number.POSITIVE_INFINITY } = {}) {
  const app = await startApp(createServer((socket) => socket.write(Buffer.concat(parts))));
  const reads = new LentReads();
  const socket = await connectTcp(app.address, { deadlines, reads });
  const channel = lendingChannel(socket, reads);
  const received: Buffer[] = [];
  const start = (): void =>
    channel.start({
      data: (chunk, lent) => {
        expect(lent).toBe(true);
        received.push(Buffer.from(chunk));
        if (received.length === pauseAfter) channel.pause();
      },
      end: () => undefined,
      drain: () => undefined,
      closed: () => undefined,
    });
  const bytes = (): number => received.reduce((sum, { length }) => sum + length, 0);
  return { app, channel, received, bytes, start, socket };
}

describe('LentReads', () => {
  it('keeps what comes before there is a reader, in order', async () => {
    const { app, received, bytes, start, socket } = await reading([Buffer.from('early')]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    start();
    await until(() => bytes() === 5);
    app.sockets[0]?.write(' and late');
    await until(() => bytes() === 14);
    expect(Buffer.concat(received).toString()).toBe('early and late');
    socket.destroy();
    await app[Symbol.asyncDispose]();
  });

  it('reads nothing while paused, and all of it afterwards', async () => {
    const body = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 31) & 0xff));
    const { app, channel, received, bytes, start, socket } = await reading([body], {
      pauseAfter: 3,
    });
    start();
    await until(() => received.length === 3);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(received).toHaveLength(3);
    channel.resume();
    await until(() => bytes() === body.length);
    expect(Buffer.concat(received).equals(body)).toBe(true);
    socket.destroy();
    await app[Symbol.asyncDispose]();
  });
});
