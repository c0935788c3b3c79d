import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/proxy/address.ts';
import { startCallingEnvoy, startServingEnvoy } from '../../kit/hbone-envoy.ts';
import { peer } from '../../kit/peer.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  echoServer,
  entryFor,
  type PairOptions,
  readToEnd,
  SERVER_ID,
  startApp,
  startPair,
} from '../../kit/proxy-pair.ts';
import { testAuthority } from '../../kit/test-authority.ts';

interface Way extends AsyncDisposable {
  /** Where the application of the caller comes in. */
  readonly entrance: Address;
}

/** Envoy -> HBONE -> our sidecar -> application. */
async function fromEnvoy(binary: string, options: PairOptions = {}): Promise<Way> {
  const stack = new AsyncDisposableStack();
  const authority = testAuthority();
  const pair = stack.use(await startPair({ ...options, authority }));
  const envoy = stack.use(
    await startCallingEnvoy({
      ...{ binary, authority, svid: authority.issue(CLIENT_ID), peerId: SERVER_ID },
      ...{ hbone: pair.hbone, target: pair.inbound },
    }),
  );
  return { entrance: envoy.address('egress'), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Our sidecar -> HBONE -> Envoy -> application. */
async function toEnvoy(binary: string, { app }: Pick<PairOptions, 'app'> = {}): Promise<Way> {
  const stack = new AsyncDisposableStack();
  const authority = testAuthority();
  const target = app ?? stack.use(await startApp(echoServer())).address;
  const envoy = stack.use(
    await startServingEnvoy({
      ...{ binary, authority, svid: authority.issue(SERVER_ID), peerId: CLIENT_ID, app: target },
    }),
  );
  const workloadEntries = [entryFor(envoy.address('ingress').port)];
  const pair = stack.use(await startPair({ authority, clientFacts: { workloadEntries } }));
  return { entrance: pair.outbound, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** What the caller sees of a cut: this Envoy ends its internal connections in order, whatever it got. */
const CUT_FROM: Readonly<Record<string, 'ended' | 'reset'>> = { 'envoy-1.38': 'ended' };

for (const version of ['envoy-1.40', 'envoy-1.38']) {
  peer(version, (binary) => {
    describe.each([
      {
        name: 'from Envoy, through an internal listener, to our sidecar',
        start: fromEnvoy,
        cut: CUT_FROM[version] ?? 'reset',
      },
      { name: 'from our sidecar to an Envoy that ends CONNECT', start: toEnvoy, cut: 'reset' },
    ])('HBONE $name', ({ start, cut }) => {
      it('carries 50 connections at once, each with its own bytes', async () => {
        await using way = await start(binary);
        const sockets = await Promise.all(Array.from({ length: 50 }, () => dial(way.entrance)));
        const answers = await Promise.all(sockets.map((socket, i) => ask(socket, `hello ${i}`)));
        expect(answers).toEqual(sockets.map((_socket, i) => `hello ${i}`));
        for (const socket of sockets) socket.destroy();
      });

      it('carries 16 MiB each way unaltered, and the end of both directions', async () => {
        await using way = await start(binary);
        const body = randomBytes(16 * 1024 * 1024);
        const socket = await dial(way.entrance);
        const ending = readToEnd(socket);
        socket.end(body);
        const { received, how } = await ending;
        expect({ how, length: received.length, md5: md5(received) }).toEqual({
          ...{ how: 'ended', length: body.length, md5: md5(body) },
        });
      });

      it('shows a connection that was cut behind it as cut', async () => {
        await using app = await startApp(
          createServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
        );
        await using way = await start(binary, { app: app.address });
        const socket = await dial(way.entrance);
        const ending = readToEnd(socket);
        socket.write('x');
        expect((await ending).how).toBe(cut);
      });
    });
  });
}
