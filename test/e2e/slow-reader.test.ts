import { connect } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startApiListener } from '../../src/apiserver/api-listener.ts';
import type { ApiAnswer } from '../../src/apiserver/api-request.ts';
import { anonymous } from '../../src/apiserver/rights/user-info.ts';
import { openApiClientAuthority } from '../../src/control/api-client-authority.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { WatchableValue } from '../../src/lib/watchable.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import { eventually } from '../kit/eventually.ts';

const CHUNK = Buffer.alloc(256 * 1024, 0x0a);

let port: number;
let written: number;
let ended: unknown[];
let stop: () => Promise<void>;

beforeEach(async () => {
  const store = memoryStore({ clock: systemClock });
  const authority = await openApiClientAuthority(store, {
    rootNamespace: 'istio-system',
    clock: systemClock,
  });
  const serving = authority.issue({ name: 'localhost', groups: [], lifetimeMs: 3_600_000 });
  written = 0;
  ended = [];
  const endless: ApiAnswer = {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    async stream(sink, signal) {
      try {
        while (!signal.aborted) {
          written += CHUNK.length;
          await sink.write(CHUNK);
        }
      } catch (error) {
        ended.push(error);
        throw error;
      }
    },
  };
  const short: ApiAnswer = { status: 200, headers: {}, body: 'ok' };
  const listener = await startApiListener({
    ...{ host: '127.0.0.1', port: 0, identity: new WatchableValue(serving) },
    clientCa: authority.ca,
    authenticate: async () => ({ user: anonymous, impersonatedBy: undefined }),
    handler: async ({ path }) => (path === '/endless' ? endless : short),
    stallMs: 100,
  });
  port = listener.port;
  const controller = new AbortController();
  const running = listener.run(controller.signal);
  stop = async () => {
    controller.abort();
    await running;
    store.close();
  };
});
afterEach(() => stop());

it('cuts who does not read, over HTTP/2, buffers nothing for them, and serves the others', async () => {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', () => {});
  const stream = session.request({ ':path': '/endless' });
  stream.on('error', () => {});
  stream.pause();
  await eventually('it to be cut', () => ended.length === 1);
  expect(written).toBeLessThan(4 * CHUNK.length);
  const other = session.request({ ':path': '/' });
  const status = await new Promise((resolve) => {
    other.on('response', (headers) => resolve(headers[':status']));
  });
  expect(status).toBe(200);
  session.destroy();
});

it('cuts who does not read over HTTP/1.1', async () => {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  socket.on('error', () => {});
  socket.pause();
  socket.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
  await eventually('it to be cut', () => ended.length === 1);
  socket.destroy();
});

it('ends a stream whose reader has gone', async () => {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', () => {});
  const stream = session.request({ ':path': '/endless' });
  stream.on('error', () => {});
  await new Promise((resolve) => stream.once('response', resolve));
  session.destroy();
  const before = written;
  await eventually('no more to be written', () => ended.length === 1 || written === before);
});
