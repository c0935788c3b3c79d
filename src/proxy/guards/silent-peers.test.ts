import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../test/kit/eventually.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import {
  ask,
  dial,
  LOOPBACK,
  readToEnd,
  startApp,
  startPair,
} from '../../../test/kit/proxy-pair.ts';
import { systemClock } from '../../lib/clock.ts';
import { tcpProgress } from '../../lib/tcp-progress.ts';
import { SilentPeers } from './silent-peers.ts';

const PATIENCE_MS = 60_000;

/** A connection of which the kernel is said to know what is set here. */
async function rig() {
  const clock = new ManualClock();
  const app = await startApp(createServer());
  const socket = connect(app.address);
  await new Promise((resolve) => socket.once('connect', resolve));
  const kernel = { unanswered: 0, heardAtMs: 0 };
  const progress = () => ({
    unanswered: kernel.unanswered,
    heardAgoMs: clock.elapsedMs() - kernel.heardAtMs,
  });
  const peers = new SilentPeers(clock, PATIENCE_MS, progress);
  const errors: string[] = [];
  socket.on('error', (error) => errors.push(error.message));
  peers.watch(socket);
  const pass = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await peers.look();
    await clock.advance(0);
  };
  const close = async (): Promise<void> => {
    socket.destroy();
    await app[Symbol.asyncDispose]();
  };
  return { clock, socket, kernel, errors, pass, close };
}

describe('a connection without HBONE', () => {
  it('is cut when its peer has answered nothing for a minute', async () => {
    const { socket, kernel, errors, pass, close } = await rig();
    kernel.unanswered = 3;
    await pass(20_000);
    await pass(59_000);
    expect(socket.destroyed).toBe(false);
    await pass(1_000);
    expect(errors).toEqual(['the peer has acknowledged nothing for 60000 ms']);
    await close();
  });

  it('stays when nothing is on its way, however long ago the peer was heard of', async () => {
    const { socket, pass, close } = await rig();
    for (let i = 0; i < 5; i += 1) await pass(PATIENCE_MS);
    expect(socket.destroyed).toBe(false);
    await close();
  });

  it('stays when a packet is lost after an hour of silence', async () => {
    const { socket, kernel, pass, close } = await rig();
    await pass(60 * PATIENCE_MS);
    kernel.unanswered = 3;
    await pass(1_000);
    kernel.unanswered = 0;
    await pass(PATIENCE_MS);
    kernel.unanswered = 3;
    await pass(1_000);
    expect(socket.destroyed).toBe(false);
    await close();
  });

  it('stays when one packet is unanswered for long', async () => {
    const { socket, kernel, pass, close } = await rig();
    kernel.unanswered = 2;
    for (let i = 0; i < 5; i += 1) await pass(PATIENCE_MS);
    expect(socket.destroyed).toBe(false);
    await close();
  });

  it('stays when the peer takes nothing for hours and says so each time it is asked', async () => {
    const { clock, socket, kernel, pass, close } = await rig();
    kernel.unanswered = 3;
    for (let i = 0; i < 20; i += 1) {
      await pass(50_000);
      kernel.heardAtMs = clock.elapsedMs();
    }
    expect(socket.destroyed).toBe(false);
    await close();
  });

  it('is looked at no more once it is closed', async () => {
    const { socket, kernel, errors, pass, close } = await rig();
    socket.destroy();
    kernel.unanswered = 3;
    for (let i = 0; i < 5; i += 1) await pass(PATIENCE_MS);
    expect(errors).toEqual([]);
    await close();
  });
});

describe.each(['istio-mtls', 'plaintext'] as const)('a peer by %s that vanished', (transport) => {
  it.each([
    ['client', 'who calls it', 'destination'],
    ['server', 'who is called', 'source'],
  ] as const)('is noticed by the %s, %s, and both ends are cut', async (side, _, end) => {
    const kernel = { unanswered: 0, heardAgoMs: 1_000_000 };
    const limits = { probeIntervalMs: 5, unansweredMs: 20 };
    const looking = { tcpProgress: () => kernel, limits };
    await using pair = await startPair({ transport, [side]: looking });
    const socket = await dial(pair.outbound);
    expect(await ask(socket, 'hello')).toBe('hello');
    kernel.unanswered = 3;
    expect((await readToEnd(socket)).how).toBe('reset');
    const { closed } = pair[side].events;
    await eventually('the record', () => closed.length === 1);
    expect(closed[0]?.reason).toBe('reset');
    expect(closed[0]?.detail).toMatch(RegExp(`^${end}: the peer has acknowledged nothing for `));
  });
});

it('leaves a reader alone whose window is closed', async () => {
  const app = await startApp(createServer({ pauseOnConnect: true }));
  const socket = connect({ ...app.address, host: LOOPBACK });
  socket.on('error', () => undefined);
  socket.write(Buffer.alloc(1 << 26));
  const peers = new SilentPeers(systemClock, 400);
  peers.watch(socket);
  let asked = 0;
  await eventually('the kernel has asked for room', () => {
    asked += (tcpProgress(socket)?.unanswered ?? 0) > 0 ? 1 : 0;
    return asked > 0;
  });
  for (let i = 0; i < 20; i += 1) {
    await peers.look();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(socket.destroyed).toBe(false);
  socket.destroy();
  await app[Symbol.asyncDispose]();
});
