import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { dial, nextChunk, startApp, startPair, until } from '../../../test/kit/proxy-pair.ts';

it('a port on which the server speaks first is learned by three silent clients, forgotten by one that speaks, and both told', async () => {
  await using app = await startApp(createServer((socket) => socket.write('220 ready')));
  // However busy the machine is: who is silent is so for ever, and who speaks has time for it.
  const limits = { firstBytesTimeoutMs: 20, learnedFirstBytesTimeoutMs: 20_000 };
  await using pair = await startPair({ app: app.address, server: { limits } });
  const { learned } = pair.server.events;
  const silent = async (): Promise<void> => {
    const socket = await dial(pair.inbound);
    expect(await nextChunk(socket)).toBe('220 ready');
    socket.destroy();
  };
  await silent();
  await silent();
  expect(learned).toEqual([]);
  await silent();
  await until(() => learned.length === 1);
  const { port } = pair.inbound;
  expect(learned).toMatchObject([{ port, serverFirst: true }]);
  const speaking = await dial(pair.inbound);
  speaking.write('EHLO me\r\n');
  await until(() => learned.length === 2);
  expect(learned[1]).toMatchObject({ port, serverFirst: false });
  speaking.destroy();
});
