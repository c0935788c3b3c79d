import { freePorts as anyFreePorts } from '../../src/app/demo/free-ports.ts';

/** Below the ports that Istio uses, and apart from those that programs under test pick themselves. */
const LOWEST = 10_000;
const SHARES = 8;
const SHARE = 625;

/** Which of the processes that run test files at the same time this one is. */
const worker = Number(process.env['VITEST_POOL_ID'] ?? 0);
const from = LOWEST + (worker % SHARES) * SHARE;
const given = new Set<number>();

/**
 * `count` different ports of 127.0.0.1 that nobody listens on. No other test file that runs at the same time is given
 * one of them, and this one none twice: who will listen there may take its time.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const [port = 0] = await anyFreePorts(1, { from, before: from + SHARE });
    if (given.has(port)) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}
