import { connect, createServer } from 'node:net';
import {
  type ConnectionOptions,
  connect as connectTls,
  createServer as createTlsServer,
  type TLSSocket,
} from 'node:tls';
import { describe, expect, it } from 'vitest';
import { allow, fromSource, peerAuthentication } from '../../../test/kit/policies.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  nextChunk,
  type ProxyPair,
  readToEnd,
  SERVER_ID,
  startApp,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import type { MtlsMode } from '../../policy/effective-peer-authentication.ts';

const under = (mode: MtlsMode) => ({
  serverFacts: { peerAuthentications: [peerAuthentication({ mtls: { mode } })] },
});

/** A mutual TLS client of the mesh on the workload port itself. */
async function meshClient(pair: ProxyPair, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({
    ...{ ...pair.inbound, ...pair.authority.pems(pair.authority.issue(CLIENT_ID)) },
    ...{ rejectUnauthorized: false, allowHalfOpen: true },
    ...options,
  });
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);
  return socket;
}

describe('plaintext on a workload port', () => {
  it('is let through under PERMISSIVE', async () => {
    await using pair = await startPair();
    expect(await ask(await dial(pair.inbound), 'hello')).toBe('hello');
    expect(pair.server.events.opened).toMatchObject([
      { direction: 'inbound', transport: 'plaintext', peerId: undefined, tlsVersion: undefined },
    ]);
  });

  it('may be a protocol in which the server speaks first', async () => {
    await using app = await startApp(createServer((socket) => socket.write('220 ready')));
    const limits = { firstBytesTimeoutMs: 50 };
    await using pair = await startPair({ app: app.address, server: { limits } });
    expect(await nextChunk(await dial(pair.inbound))).toBe('220 ready');
  });

  it('is not looked at under DISABLE, so the server may speak at once', async () => {
    await using app = await startApp(createServer((socket) => socket.write('220 ready')));
    const limits = { firstBytesTimeoutMs: 60_000 };
    await using pair = await startPair({
      ...{ app: app.address, server: { limits } },
      ...under('DISABLE'),
    });
    expect(await nextChunk(await dial(pair.inbound))).toBe('220 ready');
  });

  it('is closed under STRICT, naming the policy', async () => {
    await using pair = await startPair(under('STRICT'));
    const socket = await dial(pair.inbound);
    const ending = readToEnd(socket);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    expect((await ending).received).toHaveLength(0);
    expect(pair.server.events.denied).toMatchObject([
      {
        reason: 'plaintext',
        decision: expect.stringMatching(/PeerAuthentication shop\/default .*STRICT/),
      },
    ]);
    expect(pair.server.events.opened).toEqual([]);
  });

  it('is closed under STRICT when the client stays silent', async () => {
    const limits = { handshakeTimeoutMs: 50, firstBytesTimeoutMs: 5 };
    await using pair = await startPair({ server: { limits }, ...under('STRICT') });
    await readToEnd(await dial(pair.inbound));
    expect(pair.server.events.denied).toMatchObject([{ reason: 'plaintext' }]);
  });

  it('is refused by an AuthorizationPolicy that wants an identity', async () => {
    const policy = allow([fromSource({ principals: ['*'] })], { name: 'known-callers' });
    await using pair = await startPair({ serverFacts: { authorizationPolicies: [policy] } });
    const socket = await dial(pair.inbound);
    const ending = readToEnd(socket);
    socket.write('hello');
    expect((await ending).received).toHaveLength(0);
    expect(pair.server.events.denied).toMatchObject([
      {
        ...{ reason: 'authorization', transport: 'plaintext' },
        decision: expect.stringContaining('AuthorizationPolicy shop/known-callers rule[0]'),
      },
    ]);
  });

  it('is waited on for mutual TLS where it would be refused anyway', async () => {
    const policy = allow([fromSource({ principals: ['*'] })], { name: 'known-callers' });
    await using pair = await startPair({
      server: { limits: { firstBytesTimeoutMs: 20 } },
      serverFacts: { authorizationPolicies: [policy] },
    });
    const raw = await dial(pair.inbound);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const socket = await meshClient(pair, { socket: raw, ALPNProtocols: ['istio'] });
    expect(await ask(socket, 'hello')).toBe('hello');
    expect(pair.server.events.denied).toEqual([]);
  });

  it('reaches the application through a sidecar that is told to send plaintext', async () => {
    await using pair = await startPair({ transport: 'plaintext' });
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(pair.client.events.opened).toMatchObject([
      { transport: 'plaintext', peerId: undefined },
    ]);
  });
});

describe("Istio's mutual TLS on a workload port", () => {
  it.each(['PERMISSIVE', 'STRICT'] as const)('is terminated under %s', async (mode) => {
    await using pair = await startPair(under(mode));
    const socket = await meshClient(pair, {
      ALPNProtocols: ['istio-peer-exchange', 'istio'],
      servername: 'outbound_.80_._.reviews.shop.svc.cluster.local',
    });
    expect(await ask(socket, 'hello')).toBe('hello');
    // To agree on istio-peer-exchange would oblige us to exchange metadata in band.
    expect(socket.alpnProtocol).toBe(false);
    expect(pair.server.events.opened).toMatchObject([
      {
        ...{ transport: 'istio-mtls', peerId: CLIENT_ID, ownId: SERVER_ID },
        sni: 'outbound_.80_._.reviews.shop.svc.cluster.local',
        tlsVersion: 'TLSv1.3',
      },
    ]);
    const ending = readToEnd(socket);
    socket.end('bye');
    expect(await ending).toEqual({ received: Buffer.from('bye'), how: 'ended' });
    await until(() => pair.server.events.closed.length === 1);
    expect(pair.server.events.closed[0]?.reason).toBe('finished');
  });

  it.each([
    [['istio-h2', 'istio', 'h2'], 'h2'],
    [['istio-http/1.1', 'istio', 'http/1.1'], 'http/1.1'],
  ])('agrees with a client that offers %j on %s', async (ALPNProtocols, agreed) => {
    await using pair = await startPair();
    const socket = await meshClient(pair, { ALPNProtocols });
    expect(socket.alpnProtocol).toBe(agreed);
    expect(await ask(socket, 'hello')).toBe('hello');
  });

  it('may be TLS 1.2', async () => {
    await using pair = await startPair();
    const socket = await meshClient(pair, { ALPNProtocols: ['istio'], maxVersion: 'TLSv1.2' });
    expect(await ask(socket, 'hello')).toBe('hello');
    expect(pair.server.events.opened).toMatchObject([{ tlsVersion: 'TLSv1.2' }]);
  });

  it('is spoken under STRICT whatever the client offers', async () => {
    await using pair = await startPair(under('STRICT'));
    const socket = await meshClient(pair, { ALPNProtocols: ['acme/1'] });
    expect(await ask(socket, 'hello')).toBe('hello');
  });

  it('needs a certificate of the mesh', async () => {
    await using pair = await startPair(under('STRICT'));
    const stranger = testAuthority();
    const pems = stranger.pems(stranger.issue(CLIENT_ID));
    const socket = connectTls({ ...pair.inbound, ...pems, rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('close', resolve));
    await until(() => pair.server.events.handshakes.length === 1);
    expect(pair.server.events.handshakes[0]).toMatchObject({
      ...{ transport: 'istio-mtls', presentedId: CLIENT_ID },
      reason: expect.stringMatching(/neither a trusted root/),
    });
  });

  it('is found in a ClientHello that comes byte by byte', async () => {
    await using pair = await startPair();
    await using slow = await startApp(
      createServer((from) => {
        const to = connect(pair.inbound).setNoDelay(true);
        to.on('error', () => undefined);
        to.pipe(from);
        const bytes: number[] = [];
        from.on('data', (chunk: Buffer) => bytes.push(...chunk));
        const drip = (): void => {
          const byte = bytes.shift();
          if (byte !== undefined) to.write(Uint8Array.of(byte));
          if (!to.destroyed) setImmediate(drip);
        };
        drip();
      }),
    );
    const socket = await meshClient(pair, { ...slow.address, ALPNProtocols: ['istio'] });
    expect(await ask(socket, 'hello')).toBe('hello');
    expect(pair.server.events.opened).toMatchObject([{ transport: 'istio-mtls' }]);
  });

  it('is given up when the ClientHello does not end', async () => {
    const limits = { handshakeTimeoutMs: 500 };
    await using pair = await startPair({ server: { limits } });
    const socket = await dial(pair.inbound);
    socket.write(Uint8Array.of(22, 3, 1, 1, 0, 1, 0));
    await readToEnd(socket);
    expect(pair.server.events.handshakes).toMatchObject([
      { reason: expect.stringMatching(/did not finish its first message/) },
    ]);
  });

  it('is spoken by a sidecar that is told to, to the expected identity only', async () => {
    await using pair = await startPair({ transport: 'istio-mtls', ...under('STRICT') });
    const socket = await dial(pair.outbound);
    expect(await ask(socket, 'hello')).toBe('hello');
    expect(pair.client.events.opened).toMatchObject([
      { transport: 'istio-mtls', peerId: SERVER_ID, keyExchange: 'X25519MLKEM768' },
    ]);
    expect(pair.server.events.opened).toMatchObject([
      { sni: 'outbound_.80_._.reviews.shop.svc.cluster.local', peerId: CLIENT_ID },
    ]);
    const ending = readToEnd(socket);
    socket.end('bye');
    expect(await ending).toEqual({ received: Buffer.from('bye'), how: 'ended' });

    const impostor = 'spiffe://cluster.local/ns/shop/sa/impostor';
    pair.server.identity.set(pair.authority.identity(impostor));
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.client.events.handshakes).toMatchObject([
      { expectedIds: [SERVER_ID], presentedId: impostor, transport: 'istio-mtls' },
    ]);
  });

  it('passes resets on', async () => {
    await using app = await startApp(
      createServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
    );
    await using pair = await startPair({ app: app.address, transport: 'istio-mtls' });
    const socket = await dial(pair.outbound);
    const ending = readToEnd(socket);
    socket.write('x');
    expect((await ending).how).toBe('reset');
  });
});

describe("the application's own TLS", () => {
  it('is passed through unterminated under PERMISSIVE', async () => {
    const foreign = testAuthority({ trustDomain: 'app.example' });
    const pems = foreign.pems(foreign.issue('spiffe://app.example/its-own'));
    await using app = await startApp(
      createTlsServer({ ...pems, ALPNProtocols: ['http/1.1'] }, (socket) => {
        socket.on('error', () => undefined);
        socket.pipe(socket);
      }),
    );
    await using pair = await startPair({ app: app.address });
    const socket = await meshClient(pair, { ALPNProtocols: ['http/1.1'], servername: 'a.example' });
    expect(socket.getPeerCertificate().subjectaltname).toBe('URI:spiffe://app.example/its-own');
    expect(await ask(socket, 'hello')).toBe('hello');
    expect(pair.server.events.opened).toMatchObject([
      { transport: 'passthrough', peerId: undefined, sni: 'a.example', tlsVersion: undefined },
    ]);
  });
});
