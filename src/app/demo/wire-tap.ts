import { connect, createServer, type Server, type Socket } from 'node:net';

export interface WireTap {
  /** Every byte that went through, both directions, in order of arrival. */
  recorded(): Buffer;
  close(): Promise<void>;
}

/** Bounded: what comes after is counted by nobody, it only goes through. */
const MOST_BYTES = 16 * 1024 * 1024;

/** A relay on 127.0.0.1 that keeps a copy of all it passes on. */
export async function startWireTap(listenPort: number, targetPort: number): Promise<WireTap> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  let size = 0;
  const record = (chunk: Buffer): void => {
    if (size >= MOST_BYTES) return;
    size += chunk.length;
    chunks.push(Buffer.from(chunk));
  };
  const server: Server = createServer({ allowHalfOpen: true }, (downstream) => {
    const upstream = connect({ host: '127.0.0.1', port: targetPort, allowHalfOpen: true });
    join(downstream, upstream);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: listenPort }, resolve);
  });
  return {
    recorded: () => Buffer.concat(chunks),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };

  function join(downstream: Socket, upstream: Socket): void {
    for (const [from, to] of [
      [downstream, upstream],
      [upstream, downstream],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('data', record);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  }
}
