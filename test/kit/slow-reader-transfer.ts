import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { until } from '../../src/app/demo/until.ts';
import { controlPlaneRig, SHOP } from './control-plane-rig.ts';
import { freePorts } from './free-ports.ts';
import { dial, LOOPBACK, startApp } from './proxy-pair.ts';
import { residentMb } from './resident-memory.ts';
import { type SidecarProcess, sidecarProcess } from './sidecar-process.ts';

export interface TransferOptions {
  /** Empty; logs and state go there. */
  readonly directory: string;
  /** Half of it goes to the application, half comes from it, at the same time. */
  readonly bytes: number;
  /** What each reader takes before it pauses. */
  readonly burstBytes: number;
  readonly pauseMs: number;
  readonly progress?: (line: string) => void;
}

/** RSS of the sidecars when so much had come through. */
export interface TransferLook {
  readonly mb: number;
  readonly reviews: number;
  readonly products: number;
}

export interface TransferReport {
  readonly bytes: number;
  readonly seconds: number;
  readonly looks: readonly TransferLook[];
}

const MB = 2 ** 20;
const CHUNK = Buffer.alloc(256 * 1024, 0x5a);

/**
 * Sends bytes through two sidecars, both ways at a time, from writers that write whenever they may to readers that
 * take a burst and then pause. Each connection must end in order with every byte.
 */
export async function slowReaderTransfer(options: TransferOptions): Promise<TransferReport> {
  const { directory, bytes, progress } = options;
  const half = Math.floor(bytes / 2);
  const group = new ProcessGroup(directory);
  const plane = await controlPlaneRig();
  let received = 0;
  const count = (chunk: Buffer): void => {
    received += chunk.length;
  };
  const uploaded = Promise.withResolvers<number>();
  // The first byte says who writes.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', uploaded.reject);
    socket.once('data', (first: Buffer) => {
      if (first[0] === 0x64) {
        void write(socket, half);
      } else {
        count(first);
        void read(socket, options, count).then((rest) => {
          socket.end();
          uploaded.resolve(rest + first.length);
        });
      }
    });
  });
  const app = await startApp(server);
  try {
    const [inbound = 0, outbound = 0, hboneIn = 0, hboneOut = 0] = await freePorts(4);
    await plane.apply(
      `${SHOP}---\napiVersion: v1\nkind: Service\nmetadata: { name: reviews, namespace: shop }\nspec: { selector: { app: reviews }, ports: [ { name: tcp, port: 80, targetPort: ${inbound} } ] }`,
    );
    const common = { group, plane, directory };
    const off = ['--metrics', 'off', '--readiness', 'off'];
    const reviews = await sidecarProcess({
      ...{ ...common, name: 'reviews', hbonePort: hboneIn },
      args: [...off, '--inbound', `tcp:${LOOPBACK}:${inbound}=${LOOPBACK}:${app.address.port}`],
    });
    const products = await sidecarProcess({
      ...{ ...common, name: 'products', hbonePort: hboneOut },
      args: [...off, '--outbound', `${LOOPBACK}:${outbound}=reviews.shop:80`],
    });
    await until('the caller knows the callee', async () => {
      const { facts } = await products.status();
      return facts.workloadEntries >= 2 && facts.services >= 1;
    });
    const startMs = Date.now();
    const stop = new AbortController();
    const looking = look({ reviews, products }, () => received, stop.signal, progress);
    const [up, down] = await Promise.all([
      dial({ host: LOOPBACK, port: outbound }),
      dial({ host: LOOPBACK, port: outbound }),
    ]);
    down.write('d');
    const [sent, , came] = await Promise.all([
      uploaded.promise,
      write(up, half),
      read(down, options, count),
    ]);
    stop.abort();
    const looks = await looking;
    for (const [way, got] of Object.entries({ sent, came })) {
      if (got !== half) throw new Error(`${got} of ${half} bytes were ${way}`);
    }
    for (const socket of [up, down]) socket.destroy();
    return { bytes: sent + came, seconds: (Date.now() - startMs) / 1_000, looks };
  } finally {
    await group.stop();
    await app[Symbol.asyncDispose]();
    await plane.close();
  }
}

/** As fast as the socket takes it, then the end. */
async function write(socket: Socket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= CHUNK.length) {
    const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.end();
}

/** All that comes until the end, in bursts with pauses. */
function read(
  socket: Socket,
  { burstBytes, pauseMs }: TransferOptions,
  count: (chunk: Buffer) => void,
): Promise<number> {
  let total = 0;
  let burst = 0;
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      total += chunk.length;
      burst += chunk.length;
      count(chunk);
      if (burst < burstBytes) return;
      burst = 0;
      socket.pause();
      setTimeout(() => socket.resume(), pauseMs);
    });
    socket.once('end', () => resolve(total));
    socket.once('close', () => reject(new Error(`cut after ${total} bytes`)));
  });
}

async function look(
  sidecars: Readonly<Record<'reviews' | 'products', SidecarProcess>>,
  received: () => number,
  signal: AbortSignal,
  progress: TransferOptions['progress'],
): Promise<readonly TransferLook[]> {
  const looks: TransferLook[] = [];
  while (!signal.aborted) {
    await sleep(500, undefined, { signal }).catch(() => undefined);
    const [reviews, products] = [sidecars.reviews, sidecars.products].map(
      ({ process }) => residentMb(process.pid) ?? 0,
    );
    const mb = Math.round(received() / MB);
    looks.push({ mb, reviews: reviews ?? 0, products: products ?? 0 });
    progress?.(`${mb} MB through, RSS reviews ${reviews} MB, products ${products} MB`);
  }
  return looks;
}
