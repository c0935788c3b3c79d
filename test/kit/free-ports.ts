import { createServer } from 'node:net';
import { freePorts as anyFreePorts } from '../../src/app/demo/free-ports.ts';

/** Below the ports that Istio uses, and apart from those that programs under test pick themselves. */
const RANGE = { from: 10_000, before: 15_000 };

/**
 * `count` different ports of 127.0.0.1 that nobody listens on. No other process of tests is given one of them while
 * this one runs, and this one none twice: who will listen there may take its time.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const [port = 0] = await anyFreePorts(1, RANGE);
    if (await isOurs(port)) ports.push(port);
  }
  return ports;
}

/** By a name that the kernel gives to one process at a time, and takes back when that ends. */
function isOurs(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const claim = createServer();
    claim.once('error', () => resolve(false));
    claim.listen(`\0hauberk-test-port-${port}`, () => {
      claim.unref();
      resolve(true);
    });
  });
}
