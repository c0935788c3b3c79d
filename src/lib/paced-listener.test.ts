import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../test/kit/eventually.ts';
import { type PacedListenerOptions, pacedListener } from './paced-listener.ts';

async function listening(options: Omit<PacedListenerOptions, 'admit'>) {
  const admitted: Socket[] = [];
  const perTurn: number[] = [];
  let turn = 0;
  const server = pacedListener({
    ...options,
    admit(socket) {
      admitted.push(socket);
      perTurn[turn] = (perTurn[turn] ?? 0) + 1;
      if (perTurn[turn] === 1) setImmediate(() => turn++);
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clients: Socket[] = [];
  onTestFinished(() => {
    for (const socket of [...clients, ...admitted]) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const open = (): Socket => {
    const client = connect(port, '127.0.0.1');
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  return { admitted, perTurn, open, server };
}

it('lets everybody in, a few in each turn of the event loop', async () => {
  const { admitted, perTurn, open } = await listening({ nowMs: () => 0 });
  for (let n = 0; n < 50; n++) open();
  await eventually('all are let in', () => admitted.length === 50);
  expect(Math.max(...perTurn)).toBeLessThanOrEqual(4);
});

it('hands on what a client sent before it was let in', async () => {
  const { admitted, open } = await listening({});
  open().write('hello');
  await eventually('all are let in', () => admitted.length === 1);
  const socket = admitted[0] as Socket;
  socket.resume();
  const [first] = await once(socket, 'data');
  expect(String(first)).toBe('hello');
});

it('closes a connection beyond those that may wait, and lets the others in', async () => {
  const { admitted, open } = await listening({ maxWaiting: 0 });
  await once(open(), 'close');
  expect(admitted).toEqual([]);
});

it('ends once those that it let in are gone', async () => {
  const { admitted, open, server } = await listening({});
  const client = open();
  await once(client, 'connect');
  server.close();
  await eventually('all are let in', () => admitted.length === 1);
  admitted[0]?.destroy();
  await once(server, 'close');
});

it('closes a connection whose client has surely given up', async () => {
  let now = 0;
  const { admitted, open } = await listening({ nowMs: () => (now += 30_000) });
  await once(open(), 'close');
  expect(admitted).toEqual([]);
});
