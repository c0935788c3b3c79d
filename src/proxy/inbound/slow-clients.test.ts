import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { allow, toOperation } from '../../../test/kit/policies.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  type ProxyPair,
  readToEnd,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';

/** The beginning of a ClientHello of 512 bytes. */
const HELLO = Buffer.from('16030102000100 01fc0303'.replaceAll(' ', ''), 'hex');
/** Others must be done with their handshakes in this time, on a busy machine too. */
const LIMIT_MS = 1_000;
/** So slow that the first words of HTTP/2 are not whole by then. */
const DRIP_MS = LIMIT_MS / 15;
const limits = {
  handshakeTimeoutMs: LIMIT_MS,
  firstBytesTimeoutMs: LIMIT_MS,
  headTimeoutMs: LIMIT_MS,
};

/** Sends a byte at a time, without end. */
async function drip(socket: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; !socket.destroyed; at += 1) {
    socket.write(bytes.subarray(at % bytes.length, (at % bytes.length) + 1));
    await sleep(DRIP_MS);
  }
}

async function dripped(pair: ProxyPair, port: 'hbone' | 'inbound', bytes: Buffer) {
  const socket = connect(pair[port]);
  const ending = readToEnd(socket);
  void drip(socket, bytes);
  const { how, received } = await ending;
  socket.destroy();
  expect(await ask(await dial(pair.outbound), 'others')).toBe('others');
  return { how, text: received.toString() };
}

describe('a client that sends a byte now and then', () => {
  it('of a TLS handshake is cut at the deadline on the HBONE port, and said', async () => {
    await using pair = await startPair({ server: { limits } });
    await dripped(pair, 'hbone', HELLO);
    await until(() => pair.server.events.handshakes.length === 1);
    expect(pair.server.events.handshakes[0]).toMatchObject({
      ...{ direction: 'inbound', transport: 'hbone' },
      reason: expect.stringMatching(/1000 ms|in time/),
    });
  });

  it('of HTTP/2, or says nothing after a TLS handshake that succeeded, is cut at the deadline, and said', async () => {
    await using pair = await startPair({ server: { limits } });
    const pems = pair.authority.pems(pair.authority.issue(CLIENT_ID));
    const begin = (): TLSSocket => {
      const options = { ...pair.hbone, ...pems, rejectUnauthorized: false };
      const socket = connectTls({ ...options, ALPNProtocols: ['h2'] });
      socket.on('error', () => undefined);
      return socket.resume();
    };
    const [silent, slow] = [begin(), begin()];
    // A reset on the way is no failure of this: bytes that nobody reads any more make one.
    const closed = Promise.all(
      [silent, slow].map((each) => new Promise((resolve) => each.once('close', resolve))),
    );
    void drip(slow, Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
    await closed;
    const { handshakes, endedSessions } = pair.server.events;
    await until(() => handshakes.length === 2);
    const reason = `"${CLIENT_ID}" did not begin to speak HTTP/2 in time after the TLS handshake`;
    const record = { direction: 'inbound', presentedId: CLIENT_ID, reason };
    expect(handshakes).toMatchObject([record, record]);
    expect(endedSessions.map((each) => each.reason)).toEqual([
      'did not begin to speak HTTP/2 in time',
      'did not begin to speak HTTP/2 in time',
    ]);
    expect(await ask(await dial(pair.outbound), 'others')).toBe('others');
    await sleep(2 * LIMIT_MS);
    expect(await ask(await dial(pair.outbound), 'who has begun')).toBe('who has begun');
    expect(endedSessions).toHaveLength(2);
  });

  it('of a TLS handshake is cut at the deadline on the workload port, and said', async () => {
    await using pair = await startPair({ server: { limits } });
    await dripped(pair, 'inbound', HELLO);
    const { handshakes, denied } = pair.server.events;
    await until(() => handshakes.length + denied.length === 1);
  });

  it('of the head of an HTTP request is answered 408 and cut, and said', async () => {
    const policy = allow([toOperation({ paths: ['/open'] })], { name: 'open' });
    await using pair = await startPair({
      server: { limits },
      serverFacts: { authorizationPolicies: [policy] },
    });
    const socket = connect(pair.inbound);
    const ending = readToEnd(socket);
    socket.write('GET /open HTTP/1.1\r\nHost: a\r\nX: ');
    void drip(socket, Buffer.from('x'));
    const { received } = await ending;
    socket.destroy();
    expect(received.toString()).toMatch(/^HTTP\/1\.1 408 /);
    await until(() => pair.server.events.malformed.length === 1);
    expect(pair.server.events.malformed[0]).toMatchObject({
      reason: expect.stringContaining('the head of a request did not come in time'),
    });
  });

  it('and a thousand of them keep nobody else out', async () => {
    await using pair = await startPair({ server: { limits: { maxHandshakes: 2_000 } } });
    const crowd = Array.from({ length: 1_000 }, () => connect(pair.hbone));
    for (const each of crowd) each.on('error', () => undefined).write(HELLO);
    await until(() => crowd.every(({ connecting }) => !connecting), 20_000);
    const socket = await dial(pair.outbound);
    expect(await ask(socket, 'hello')).toBe('hello');
    for (const each of crowd) each.destroy();
  });
});
