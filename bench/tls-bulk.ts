import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { LentReads } from '../src/proxy/bytes/lent-reads.ts';
import { tlsContextOptions } from '../src/proxy/tls/tls-profile.ts';
import { testAuthority } from '../test/kit/test-authority.ts';
import { spreadOf } from './samples.ts';

/**
 * `node bench/tls-bulk.ts`: bytes a second and core of TLS 1.3 with AES-256-GCM as HBONE sessions use it,
 * without anything above: slabs of 128 KiB are written by one thread, and read into one buffer by
 * another, over the loopback. The CPU time of each thread counts, so other programs hardly matter.
 */
const SECONDS = 2;
const ROUNDS = 5;
const SLAB_BYTES = 128 * 1024;
const MB = 1e6;

interface Counted {
  readonly bytes: number;
  readonly cpuSeconds: number;
}

if (isMainThread) await measure();
else receive(workerData);

async function measure(): Promise<void> {
  const sent: number[] = [];
  const received: number[] = [];
  let cipher = '';
  for (let round = 0; round < ROUNDS; round += 1) {
    const { socket, reader, server } = await connected();
    cipher = socket.getCipher().name;
    const counted = new Promise<Counted>((resolve) => reader.once('message', resolve));
    const ours = await send(socket);
    const theirs = await counted;
    sent.push(ours.bytes / MB / ours.cpuSeconds);
    received.push(theirs.bytes / MB / theirs.cpuSeconds);
    await reader.terminate();
    server.close();
  }
  const text = (values: number[]): string => {
    const { median = 0, min = 0, max = 0 } = spreadOf(values) ?? {};
    return `${median.toFixed(0)} [${min.toFixed(0)}-${max.toFixed(0)}]`;
  };
  process.stdout.write(
    `${cipher}, MB/s and core, median [min-max] of ${ROUNDS}: writing ${text(sent)}, reading ${text(received)}\n`,
  );
}

async function connected(): Promise<{ socket: TLSSocket; reader: Worker; server: Server }> {
  const identity = testAuthority().identity('spiffe://cluster.local/ns/bench/sa/bulk');
  const server = createServer(tlsContextOptions(identity, 'hbone'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const accepted = new Promise<TLSSocket>((resolve) => server.once('secureConnection', resolve));
  const reader = new Worker(new URL(import.meta.url), { workerData: port });
  const socket = await accepted;
  socket.on('error', () => undefined);
  return { socket, reader, server };
}

async function send(socket: TLSSocket): Promise<Counted> {
  const slab = Buffer.alloc(SLAB_BYTES, 7);
  const before = cpuSeconds();
  const endMs = performance.now() + SECONDS * 1_000;
  let bytes = 0;
  while (performance.now() < endMs) {
    await new Promise<void>((resolve) => socket.write(slab, () => resolve()));
    bytes += SLAB_BYTES;
  }
  const used = cpuSeconds() - before;
  socket.end();
  return { bytes, cpuSeconds: used };
}

function receive(port: number): void {
  const reads = new LentReads();
  const socket = connect({
    ...{ host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: 'TLSv1.3' },
    // Node's types know it of net.connect only.
    ...{ onread: reads.onread },
  });
  let bytes = 0;
  let before = 0;
  socket.once('secureConnect', () => {
    before = cpuSeconds();
  });
  reads.start((chunk) => {
    bytes += chunk.length;
  });
  socket.once('end', () => {
    parentPort?.postMessage({ bytes, cpuSeconds: cpuSeconds() - before } satisfies Counted);
  });
  socket.resume();
}

/** Of this thread. */
function cpuSeconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}
