import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { dial, readToEnd, startApp, until } from '../../../test/kit/proxy-pair.ts';
import type { Channel } from './channel.ts';
import { socketChannel } from './socket-channel.ts';

/** A channel over one side of a TCP connection, the other side, and what the channel reported. */
async function channelTo(app: {
  address: { host: string; port: number };
  sockets: readonly Socket[];
}) {
  const socket = await dial(app.address);
  const channel: Channel = socketChannel(socket);
  const closed = Promise.withResolvers<Error | undefined>();
  channel.start({
    data: () => undefined,
    end: () => undefined,
    drain: () => undefined,
    closed: closed.resolve,
  });
  await until(() => app.sockets.length === 1);
  const [other] = app.sockets;
  if (other === undefined) throw new Error('nobody was accepted');
  return { channel, other, closed: closed.promise };
}

const silentServer = () => createServer({ allowHalfOpen: true });

describe('socketChannel', () => {
  it('is closed without an error when both directions have ended', async () => {
    await using app = await startApp(silentServer());
    const { channel, other, closed } = await channelTo(app);
    other.end();
    other.resume();
    channel.end();
    expect(await closed).toBeUndefined();
  });

  it('shows a reset to the other side', async () => {
    await using app = await startApp(silentServer());
    const { channel, other, closed } = await channelTo(app);
    const ending = readToEnd(other);
    channel.reset();
    expect((await ending).how).toBe('reset');
    expect(await closed).toBeInstanceOf(Error);
  });

  it('is closed also when it is reset while its end goes out', async () => {
    await using app = await startApp(silentServer());
    const { channel, closed } = await channelTo(app);
    channel.write(Buffer.from('last words'), false);
    channel.end();
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
    channel.reset();
    expect(await closed).toBeInstanceOf(Error);
  });

  it('is closed when it is reset at once after its end', async () => {
    await using app = await startApp(silentServer());
    const { channel, closed } = await channelTo(app);
    channel.end();
    channel.reset();
    expect(await closed).toBeInstanceOf(Error);
  });

  it('does not end in order what it could not send whole', async () => {
    await using app = await startApp(silentServer());
    const { channel, other, closed } = await channelTo(app);
    const body = Buffer.alloc(32 * 1024 * 1024);
    channel.write(body, false);
    channel.end();
    await new Promise((resolve) => setTimeout(resolve, 20));
    channel.reset();
    const { received, how } = await readToEnd(other);
    expect(received.length).toBeLessThan(body.length);
    expect(how).toBe('reset');
    await closed;
  });

  it('reports a socket that was closed before', async () => {
    await using app = await startApp(silentServer());
    const socket = connect(app.address);
    socket.on('error', () => undefined);
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const channel = socketChannel(socket);
    const closed = Promise.withResolvers<Error | undefined>();
    channel.start({
      data: () => undefined,
      end: () => undefined,
      drain: () => undefined,
      closed: closed.resolve,
    });
    expect(await closed.promise).toBeInstanceOf(Error);
  });
});
