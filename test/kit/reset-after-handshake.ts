import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { systemClock } from '../../src/lib/clock.ts';
import { WatchableValue } from '../../src/lib/watchable.ts';
import { tlsChannel } from '../../src/proxy/bytes/socket-channel.ts';
import { Deadlines } from '../../src/proxy/deadlines.ts';
import { originatedDialer } from '../../src/proxy/outbound/dial-originated.ts';
import { TlsAcceptor } from '../../src/proxy/tls/tls-acceptor.ts';
import { TlsMaterials } from '../../src/proxy/tls/tls-material.ts';
import { testAuthority } from './test-authority.ts';

/** A program of its own, since what it looks for ends the process: resets connections whose handshake is just done. */
const TIMES = 10;
const host = '127.0.0.1';
const authority = testAuthority();
const identity = authority.identity('spiffe://cluster.local/ns/shop/sa/reviews');
const { key, cert } = authority.pems(identity.svid);

async function portOf(server: Server): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once('close', () => resolve()));

async function accepted(): Promise<void> {
  const acceptor = new TlsAcceptor({
    ...{ identity: new WatchableValue(identity), profile: 'istio', alpn: [] },
    ticketKeys: new WatchableValue(new Uint8Array(48)),
  });
  const port = await portOf(
    createServer(async (raw) => tlsChannel(await acceptor.accept(raw), raw).reset()),
  );
  for (let i = 0; i < TIMES; i++) {
    const client = connect({ port, host, key, cert, rejectUnauthorized: false });
    client.on('secureConnect', () => client.write('hello')).on('error', () => undefined);
    await closed(client);
  }
}

async function originated(): Promise<void> {
  const welcome = (socket: TLSSocket): void => {
    socket.on('error', () => undefined).write('hello');
  };
  const port = await portOf(
    createTlsServer({ key, cert }, welcome).on('tlsClientError', () => undefined),
  );
  const call = originatedDialer({
    materials: new TlsMaterials(() => Promise.reject(new Error('no credential is needed'))),
    reporter: {} as never,
    handshakeDeadlines: new Deadlines(systemClock, 60_000),
  });
  for (let i = 0; i < TIMES; i++) {
    const raw = dial(port, host);
    await once(raw, 'connect');
    const gone = closed(raw);
    const { channel } = await call({
      ...{ raw, address: { host, port }, service: { host, port } },
      tls: {
        ...{ credential: undefined, authorities: { from: 'nobody' }, names: [], sni: undefined },
        bounds: { minVersion: undefined, maxVersion: undefined, cipherSuites: [], ecdhCurves: [] },
      },
    });
    channel.reset();
    await gone;
  }
}

await (process.argv[2] === 'accepted' ? accepted() : originated());
process.exit(0);
