import { expect, it } from 'vitest';
import { eventually } from '../../test/kit/eventually.ts';
import { kernelSockets } from '../../test/kit/kernel-sockets.ts';
import {
  ask,
  dial,
  echoServer,
  LOOPBACK,
  type PairOptions,
  startApp,
  startPair,
} from '../../test/kit/proxy-pair.ts';
import { noCapture } from './capture/capture-options.ts';

/** Far above what it takes: a busy machine must not fail a test. */
const PATIENCE_MS = 30_000;
const ANY = { host: LOOPBACK, port: 0 };

/** Resolves when the kernel has such a connection, and asks now and then whether its peer is there. */
function isKeptAlive(end: 'localPort' | 'remotePort', port: number): Promise<unknown> {
  const isKept = (): boolean => {
    const found = kernelSockets().filter((socket) => socket[end] === port && !socket.listens);
    return found.some(({ keptAlive }) => keptAlive);
  };
  return eventually(`one with ${end} ${port} is kept alive`, isKept, PATIENCE_MS);
}

it.each(['istio-mtls', 'plaintext'] as const)(
  'an idle connection by %s is not kept for a peer that is gone, at neither end',
  async (transport) => {
    await using pair = await startPair({ transport });
    const socket = await dial(pair.outbound);
    expect(await ask(socket, 'hello')).toBe('hello');
    await isKeptAlive('localPort', pair.outbound.port);
    await isKeptAlive('remotePort', pair.inbound.port);
    await isKeptAlive('localPort', pair.inbound.port);
    socket.destroy();
  },
);

it('an idle connection past the mesh is not either', async () => {
  await using outside = await startApp(echoServer());
  const client: PairOptions['client'] = {
    capture: { ...noCapture, outbound: [ANY] },
    originalDestination: () => outside.address,
  };
  await using pair = await startPair({ client });
  const [captured = ANY] = pair.client.proxy.bound.capture;
  const socket = await dial(captured);
  expect(await ask(socket, 'hello')).toBe('hello');
  await isKeptAlive('localPort', captured.port);
  await isKeptAlive('remotePort', outside.address.port);
  socket.destroy();
});
