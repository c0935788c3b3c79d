import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls';
import { systemClock } from '../src/lib/clock.ts';
import type { Channel } from '../src/proxy/bytes/channel.ts';
import { DuplexChannel } from '../src/proxy/bytes/duplex-channel.ts';
import { LentReads } from '../src/proxy/bytes/lent-reads.ts';
import { lendingChannel, socketChannel } from '../src/proxy/bytes/socket-channel.ts';
import { splice } from '../src/proxy/bytes/splice.ts';
import { Deadlines } from '../src/proxy/deadlines.ts';
import { framedTransport } from '../src/proxy/hbone/framed-transport.ts';
import type { HboneClientSession } from '../src/proxy/hbone/hbone-transport.ts';
import { connectTcp, whenConnected } from '../src/proxy/outbound/connect-tcp.ts';

// One side of a pair that has a part of what a sidecar does, from the product's own parts:
// node bench/stage-relay.ts STAGE SIDE FROM TO [CHAIN KEY ROOT NAME]

const [stage = '', side = '', from = '', to = '', chain = '', key = '', root = '', name = ''] =
  process.argv.slice(2);
const deadlines = new Deadlines(systemClock, 10_000);
const transport = framedTransport(512, deadlines);
const LOOPBACK = '127.0.0.1';
const target = { host: LOOPBACK, port: Number(to) };
const accepting = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true } as const;

/** TLS as the sidecars have it, but for the check of the peer's SPIFFE ID. */
function secure(): SecureContextOptions {
  return {
    ...{ cert: readFileSync(chain), key: readFileSync(key), ca: readFileSync(root) },
    minVersion: 'TLSv1.3',
  };
}

function tlsChannel(socket: TLSSocket): Channel {
  return new DuplexChannel(socket, { reset: (tls) => void tls.destroy() });
}

function join(source: Channel, destination: Channel): void {
  splice({ source, destination, meter: { bytesIn: 0, bytesOut: 0 }, closed: () => undefined });
}

async function toApplication(): Promise<Channel> {
  const reads = new LentReads();
  return lendingChannel(await connectTcp(target, { deadlines, reads }), reads);
}

/** A way for each connection of the application, or of the caller's side. */
function waysOf(open: () => Promise<Channel>): (socket: Socket) => void {
  return (socket) => {
    socket.on('error', () => undefined);
    const source = socketChannel(socket);
    open().then(
      (destination) => join(source, destination),
      () => source.reset(),
    );
  };
}

async function toTls(reads?: LentReads): Promise<TLSSocket> {
  const socket = tlsConnect({
    ...{ ...secure(), ...target, servername: name, allowHalfOpen: true, ALPNProtocols: ['h2'] },
    ...(reads === undefined ? {} : { onread: reads.onread }),
  });
  socket.setNoDelay(true);
  await whenConnected(socket, target, deadlines);
  return socket;
}

let session: Promise<HboneClientSession> | undefined;

async function toStream(): Promise<Channel> {
  session ??= (async () => {
    const reads = new LentReads();
    return transport.connect(await toTls(reads), reads);
  })();
  const opened = await (await session).open(`${LOOPBACK}:${to}`);
  if (opened.outcome !== 'opened') throw new Error(opened.outcome);
  return opened.channel;
}

function serveTls(): void {
  const options = { ...secure(), requestCert: true, allowHalfOpen: true, ALPNProtocols: ['h2'] };
  const server = createTlsServer(options, (socket) => {
    // Until there is a channel that listens.
    socket.on('error', () => undefined);
    if (stage === 'hbone') {
      transport.accept(socket, (stream) => {
        toApplication().then(
          (app) => join(stream.accept(), app),
          () => stream.refuse(503),
        );
      });
    } else {
      socket.pause();
      toApplication().then(
        (app) => join(tlsChannel(socket), app),
        () => socket.destroy(),
      );
    }
  });
  server.on('connection', (socket: Socket) => socket.setNoDelay(true));
  server.listen(Number(from), LOOPBACK);
}

if (side === 'callee' && stage !== 'splice') {
  serveTls();
} else {
  const onTls = async (): Promise<Channel> => {
    const socket = await toTls();
    return tlsChannel(socket);
  };
  const open =
    side === 'callee' || stage === 'splice' ? toApplication : stage === 'tls' ? onTls : toStream;
  createServer(accepting, waysOf(open)).listen(Number(from), LOOPBACK);
}
