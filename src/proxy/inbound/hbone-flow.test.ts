import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  ask,
  CLIENT_ID,
  dial,
  LOOPBACK,
  readToEnd,
  SERVER_ID,
  startApp,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

describe('a connection through two sidecars', () => {
  it('reaches the application and is reported with both identities on both sides', async () => {
    await using pair = await startPair();
    const socket = await dial(pair.outbound);
    expect(await ask(socket, 'hello')).toBe('hello');
    const [opened] = pair.client.events.opened;
    const clientSerial = pair.client.identity.current.svid.chain[0]?.serial;
    const serverSerial = pair.server.identity.current.svid.chain[0]?.serial;
    expect(opened).toMatchObject({
      direction: 'outbound',
      transport: 'hbone',
      service: { host: 'reviews.shop', port: 80 },
      destination: pair.inbound,
      ownId: CLIENT_ID,
      peerId: SERVER_ID,
      ownSerial: clientSerial,
      peerSerial: serverSerial,
      tlsVersion: 'TLSv1.3',
      keyExchange: 'X25519MLKEM768',
      decision: undefined,
    });
    expect(pair.server.events.opened[0]).toMatchObject({
      direction: 'inbound',
      transport: 'hbone',
      destination: pair.inbound,
      ownId: SERVER_ID,
      peerId: CLIENT_ID,
      ownSerial: serverSerial,
      peerSerial: clientSerial,
      keyExchange: null,
      decision: expect.stringContaining('allowed'),
    });
    expect(pair.server.proxy.connections()).toMatchObject([{ bytesIn: 5, bytesOut: 5 }]);

    const ending = readToEnd(socket);
    socket.end('bye');
    expect(await ending).toEqual({ received: Buffer.from('bye'), how: 'ended' });
    await until(() => pair.server.events.closed.length === 1);
    await until(() => pair.client.events.closed.length === 1);
    expect(pair.server.events.closed[0]).toMatchObject({
      ...{ reason: 'finished', detail: undefined, bytesIn: 8, bytesOut: 8 },
    });
    expect(pair.client.proxy.connections()).toEqual([]);
    expect(pair.client.proxy.stats).toMatchObject({ connectionsOpened: 1, connectionsClosed: 1 });
  });

  it('shares one session however many connections come at once', async () => {
    await using pair = await startPair();
    const sockets = await Promise.all(Array.from({ length: 50 }, () => dial(pair.outbound)));
    const answers = await Promise.all(sockets.map((socket, i) => ask(socket, `hello ${i}`)));
    expect(answers).toEqual(sockets.map((_, i) => `hello ${i}`));
    expect(pair.client.events.sessions).toHaveLength(1);
    for (const socket of sockets) socket.destroy();
  });

  it('opens another session when one is at its limit of streams', async () => {
    const limits = { maxStreamsPerSession: 4 };
    await using pair = await startPair({ server: { limits } });
    const sockets = await Promise.all(Array.from({ length: 10 }, () => dial(pair.outbound)));
    const answers = await Promise.all(sockets.map((socket) => ask(socket, 'x')));
    expect(answers).toHaveLength(10);
    expect(pair.client.events.sessions).toHaveLength(3);
    for (const socket of sockets) socket.destroy();
  });

  it('carries 16 MB each way unaltered', async () => {
    await using pair = await startPair();
    const body = randomBytes(16 * 1024 * 1024);
    const socket = await dial(pair.outbound);
    const ending = readToEnd(socket);
    socket.end(body);
    const { received, how } = await ending;
    expect({ how, length: received.length, md5: md5(received) }).toEqual({
      ...{ how: 'ended', length: body.length, md5: md5(body) },
    });
  });

  it('keeps the end of one direction apart from the other', async () => {
    await using app = await startApp(
      createServer({ allowHalfOpen: true }, (socket) => {
        let received = '';
        socket.on('data', (chunk) => {
          received += chunk.toString();
        });
        // Answers only after the client has ended, slowly.
        socket.on('end', () => setTimeout(() => socket.end(`got ${received}`), 50));
      }),
    );
    await using pair = await startPair({ app: app.address });
    const socket = await dial(pair.outbound);
    const ending = readToEnd(socket);
    socket.end('all of it');
    expect(await ending).toEqual({ received: Buffer.from('got all of it'), how: 'ended' });
  });

  it('lets the server end first and the client go on', async () => {
    let received = '';
    await using app = await startApp(
      createServer({ allowHalfOpen: true }, (socket) => {
        socket.end('greeting');
        socket.on('data', (chunk) => {
          received += chunk.toString();
        });
      }),
    );
    await using pair = await startPair({ app: app.address });
    const socket = await dial(pair.outbound);
    const first = await new Promise<string>((resolve) => {
      socket.once('data', (chunk) => resolve(chunk.toString()));
    });
    expect(first).toBe('greeting');
    socket.write('late ');
    await until(() => received === 'late ');
    socket.end('words');
    await until(() => received === 'late words');
    await until(() => pair.server.events.closed.length === 1);
    expect(pair.server.events.closed[0]?.reason).toBe('finished');
  });

  it('holds a fast writer back while the reader is slow, and keeps others going', async () => {
    await using app = await startApp(
      createServer((socket) => {
        socket.pause(); // reads nothing at all
      }),
    );
    await using pair = await startPair({ app: app.address });
    const stuck = await dial(pair.outbound);
    const chunk = Buffer.alloc(64 * 1024);
    let written = 0;
    const fill = (): void => {
      while (!stuck.destroyed && stuck.write(chunk)) written += chunk.length;
      written += chunk.length;
    };
    stuck.on('drain', fill);
    fill();
    let before = -1;
    for (let i = 0; i < 50 && (before !== written || written < 1024 * 1024); i++) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    // Kernel buffers on four sockets and one stream window, but not all that the writer would send.
    expect(written).toBe(before);
    expect(written).toBeLessThan(24 * 1024 * 1024);
    const other = await dial(pair.outbound);
    other.write('x');
    await until(() => pair.server.proxy.connections()[1]?.bytesIn === 1);
    other.destroy();
    stuck.destroy();
  });

  it('passes a reset on to the other side', async () => {
    await using app = await startApp(createServer((socket) => socket.resume()));
    await using pair = await startPair({ app: app.address });
    const socket = await dial(pair.outbound);
    socket.write('x');
    await until(() => pair.server.proxy.connections().length === 1);
    const [appSide] = app.sockets;
    const error = new Promise<Error>((resolve) => appSide?.once('error', resolve));
    socket.resetAndDestroy();
    expect(await error).toMatchObject({ code: 'ECONNRESET' });
    await until(() => pair.server.events.closed.length === 1);
    expect(pair.server.events.closed[0]).toMatchObject({
      ...{ reason: 'reset', detail: expect.stringContaining('source') },
    });
  });

  it('passes a reset of the application back to the client', async () => {
    await using app = await startApp(
      createServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
    );
    await using pair = await startPair({ app: app.address });
    const socket = await dial(pair.outbound);
    const ending = readToEnd(socket);
    socket.write('x');
    expect((await ending).how).toBe('reset');
    await until(() => pair.client.events.closed.length === 1);
    expect(pair.client.events.closed[0]).toMatchObject({
      ...{ reason: 'reset', detail: expect.stringContaining('destination') },
    });
  });

  it('resets the client when the application is down, and says so on both sides', async () => {
    const gone = await startApp(createServer());
    await gone[Symbol.asyncDispose]();
    await using pair = await startPair({ app: gone.address });
    const socket = await dial(pair.outbound);
    expect((await readToEnd(socket)).how).toBe('reset');
    expect(pair.server.events.upstreams[0]?.reason).toMatch(/ECONNREFUSED/);
    expect(pair.client.events.upstreams[0]?.reason).toMatch(/cannot reach the application.*503/);
    expect(pair.client.events.upstreams[0]?.service).toEqual({ host: 'reviews.shop', port: 80 });
  });

  it('resets the client when there is no such service, and says what there is', async () => {
    await using pair = await startPair({ clientFacts: { services: [] } });
    const socket = connect(pair.outbound);
    expect((await readToEnd(socket)).how).toBe('reset');
    expect(pair.client.events.upstreams[0]?.reason).toMatch(/no Service "reviews"/);
  });

  it('tries another endpoint when one cannot be dialled', async () => {
    await using pair = await startPair();
    const gone = await startApp(createServer());
    await gone[Symbol.asyncDispose]();
    const { facts } = pair.client;
    const [entry] = facts.current.workloadEntries;
    if (entry === undefined) throw new Error('the pair has no WorkloadEntry');
    const port = String(gone.address.port);
    const dead = {
      ...entry,
      metadata: {
        ...entry.metadata,
        name: 'reviews-0',
        annotations: { 'networking.hauberk.dev/hbone-port': port },
      },
    };
    facts.set({ ...facts.current, workloadEntries: [dead, entry] });
    for (let i = 0; i < 8; i++) {
      const socket = await dial({ host: LOOPBACK, port: pair.outbound.port });
      expect(await ask(socket, 'hello')).toBe('hello');
      socket.destroy();
    }
  });
});
