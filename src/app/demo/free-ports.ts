import { createServer } from 'node:net';

/** Ports from the first one to before the last. */
export interface PortRange {
  readonly from: number;
  readonly before: number;
}

/** Below the range from which Linux takes the ports of outgoing connections. */
const USUAL: PortRange = { from: 20_000, before: 32_000 };

/** `count` different ports of 127.0.0.1, by default of 20,000 to 31,999, that nobody listens on at this moment. */
export async function freePorts(
  count: number,
  { from, before }: PortRange = USUAL,
): Promise<readonly number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = from + Math.floor(Math.random() * (before - from));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
  });
}
