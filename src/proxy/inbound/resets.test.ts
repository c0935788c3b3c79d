import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { service } from '../../../test/kit/policies.ts';
import {
  ask,
  dial,
  entryFor,
  LOOPBACK,
  type ProxyPair,
  readToEnd,
  startApp,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';
import type { Address } from '../address.ts';

const ANSWER = Buffer.alloc(64 * 1024, 0x61);
const REQUEST = Buffer.alloc(16 * 1024, 0x62);
const quick = { firstDialBackoffMs: 1, maxDialBackoffMs: 1 };

/** Cuts what passes it when so many bytes have gone one way. */
interface Cut {
  readonly way: 'to the callee' | 'to the caller';
  readonly afterBytes: number;
  readonly how: 'resetAndDestroy' | 'destroy';
}

/** Between two sidecars, where one can count and cut. */
class Middle {
  readonly server = createServer({ allowHalfOpen: true }, (from) => this.#join(from));
  passed = { 'to the callee': 0, 'to the caller': 0 };
  target: Address = { host: LOOPBACK, port: 0 };
  #cut: Cut | undefined;

  /** Counts anew. */
  cutNext(cut: Cut | undefined): void {
    this.#cut = cut;
    this.passed = { 'to the callee': 0, 'to the caller': 0 };
  }

  #join(from: Socket): void {
    const to = connect({ ...this.target, allowHalfOpen: true });
    const both = [from, to];
    for (const socket of both) socket.on('error', () => undefined);
    if (this.#cut?.afterBytes === 0) {
      this.#end(both);
      return;
    }
    this.#pass('to the callee', from, to);
    this.#pass('to the caller', to, from);
  }

  #pass(way: Cut['way'], from: Socket, to: Socket): void {
    from.on('data', (chunk: Buffer) => {
      const room = this.#cut?.way === way ? this.#cut.afterBytes - this.passed[way] : chunk.length;
      this.passed[way] += Math.min(room, chunk.length);
      if (room > 0) to.write(chunk.subarray(0, room));
      // A turn later, when what was written before is out.
      if (room < chunk.length) setImmediate(() => this.#end([from, to]));
    });
    from.once('end', () => to.end());
    from.once('close', () => to.destroy());
  }

  #end(sockets: readonly Socket[]): void {
    for (const socket of sockets) socket[this.#cut?.how ?? 'destroy']();
  }
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

/** Answers a whole request, and notes those that ended without being whole. */
function answering(truncated: number[]) {
  return createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    socket.once('end', () => {
      if (bytes < REQUEST.length) truncated.push(bytes);
      socket.end(ANSWER);
    });
  });
}

/** One request and its answer, each ended by its sender; what the caller saw. */
async function exchange({ outbound }: ProxyPair): Promise<'whole' | 'truncated' | 'reset'> {
  const socket = connect({ ...outbound, allowHalfOpen: true });
  const ending = readToEnd(socket);
  socket.end(REQUEST);
  const { received, how } = await ending;
  socket.destroy();
  if (how === 'reset') return 'reset';
  return received.length === ANSWER.length ? 'whole' : 'truncated';
}

const PARTS = 12;

/** In the middle of everything that goes either way: the handshake, CONNECT, bodies, ends. */
function cuts(passed: Middle['passed'], how: Cut['how']): readonly Cut[] {
  return (['to the callee', 'to the caller'] as const).flatMap((way) =>
    Array.from({ length: PARTS }, (_, part) => {
      return { way, how, afterBytes: Math.floor((passed[way] * part) / PARTS) };
    }),
  );
}

// A connection by Istio's mutual TLS that ends without a TLS alert is an end to Node.js, as it is to Envoy.
describe.each([
  ['hbone', 'resetAndDestroy'],
  ['hbone', 'destroy'],
  ['istio-mtls', 'resetAndDestroy'],
] as const)('a connection by %s that is cut (%s)', (transport, how) => {
  it('at whatever point is no end to either side, is told of, and leaves nothing behind', async () => {
    const truncated: number[] = [];
    await using app = await startApp(answering(truncated));
    const middle = new Middle();
    await using between = await startApp(middle.server);
    await using pair = await startPair({
      ...{ app: app.address, transport, client: { limits: quick } },
    });
    middle.target = transport === 'hbone' ? pair.hbone : pair.inbound;
    leadThrough(pair, transport, between.address.port);
    expect(await exchange(pair)).toBe('whole');
    const { client, server } = pair;
    const idle = (): boolean =>
      [client, server].every(({ proxy }) => proxy.connections().length === 0);
    const told = (): number => client.events.upstreams.length + client.events.closed.length;
    await until(idle);
    const before = openSockets();
    const seen: string[] = [];
    // The session of HBONE is there already: it is cut too, so that each begins with a handshake.
    const anew = (cut: Cut | undefined): void => {
      for (const socket of between.sockets) socket.destroy();
      middle.cutNext(cut);
    };
    anew(undefined);
    await until(() => client.events.endedSessions.length === client.events.sessions.length);
    expect(await exchange(pair)).toBe('whole');
    for (const cut of cuts(middle.passed, how)) {
      anew(cut);
      await until(() => client.events.endedSessions.length === client.events.sessions.length);
      const toldBefore = told();
      seen.push(await exchange(pair));
      await until(() => told() > toldBefore);
      await until(idle);
    }
    expect(seen).toHaveLength(2 * PARTS);
    expect(seen.filter((each) => each === 'truncated')).toEqual([]);
    expect(seen.filter((each) => each === 'reset').length).toBeGreaterThan(PARTS);
    expect(truncated).toEqual([]);
    anew(undefined);
    expect(await exchange(pair)).toBe('whole');
    await until(() => openSockets() <= before);
  }, 60_000);
});

/** Has the caller find the callee at another port. */
function leadThrough({ client }: ProxyPair, transport: string, port: number): void {
  const { facts } = client;
  if (transport === 'hbone') {
    facts.set({ ...facts.current, workloadEntries: [entryFor(port)] });
    return;
  }
  const ports = [{ name: 'http', port: 80, targetPort: port }];
  facts.set({ ...facts.current, services: [service({ ports })] });
}

describe('programs that reset', () => {
  it.each(['outbound', 'inbound', 'hbone'] as const)(
    'at once after connecting to the %s port leave nothing behind',
    async (name) => {
      await using pair = await startPair();
      expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
      const before = openSockets();
      for (let count = 0; count < 50; count += 1) {
        const socket = connect(pair[name]);
        socket.on('error', () => undefined);
        socket.once('connect', () => socket.resetAndDestroy());
      }
      await until(() => openSockets() <= before, 20_000);
      await until(() => pair.client.proxy.connections().length === 1);
      expect(await ask(await dial(pair.outbound), 'again')).toBe('again');
    },
  );

  it('as applications do that take a connection and reset it, are passed on as resets', async () => {
    await using app = await startApp(createServer((socket) => socket.resetAndDestroy()));
    await using pair = await startPair({ app: app.address });
    const before = openSockets();
    for (let count = 0; count < 20; count += 1) {
      const socket = await dial(pair.outbound);
      expect((await readToEnd(socket)).how).toBe('reset');
    }
    await until(() => pair.client.proxy.connections().length === 0);
    // The one session between the sidecars, at both of its ends.
    await until(() => openSockets() <= before + 2);
  });

  it('while the other side ends are passed on as resets', async () => {
    await using app = await startApp(
      createServer({ allowHalfOpen: true }, (socket) =>
        socket.once('end', () => socket.resetAndDestroy()).resume(),
      ),
    );
    await using pair = await startPair({ app: app.address });
    const socket = await dial(pair.outbound);
    const ending = readToEnd(socket);
    socket.end('bye');
    expect((await ending).how).toBe('reset');
    await until(() => pair.client.events.closed.length === 1);
    expect(pair.client.events.closed[0]).toMatchObject({ reason: 'reset' });
  });
});
