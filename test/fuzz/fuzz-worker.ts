import { parentPort, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { MeshError } from '../../src/lib/errors.ts';
import { hostileTargets } from '../kit/hostile-targets.ts';

export interface FuzzOrder {
  readonly seconds: number;
  /** Of the first round; each round has the next one. */
  readonly seed: number;
  readonly only: string | undefined;
}

export type FuzzMessage =
  | { readonly type: 'round'; readonly target: string; readonly seed: number }
  | { readonly type: 'line'; readonly line: string };

const RUNS_A_ROUND = 500;
/** No single input may take longer. */
const SLOW_MS = 1_000;
const LONGEST_MESSAGE = 2_000;

const order = workerData as FuzzOrder;
let refused = 0;
let slowestMs = 0;

const targets = hostileTargets({
  threw(error) {
    if (!MeshError.is(error)) throw error;
    if (error.message.length > LONGEST_MESSAGE) {
      throw new Error(`a message of ${error.message.length} characters`);
    }
    refused += 1;
  },
  took(ms) {
    slowestMs = Math.max(slowestMs, ms);
    if (ms > SLOW_MS) throw new Error(`it took ${Math.round(ms)} ms`);
  },
}).filter(({ name }) => order.only === undefined || name === order.only);
if (targets.length === 0) throw new Error(`no target is called "${order.only}"`);

const send = (message: FuzzMessage): void => parentPort?.postMessage(message);
const runs = new Map<string, number>();
const endMs = performance.now() + order.seconds * 1_000;

let failed = false;
for (let { seed } = order; !failed && performance.now() < endMs; seed++) {
  for (const { name, property } of targets) {
    send({ type: 'round', target: name, seed });
    const found = await fc.check(property as fc.IAsyncProperty<[unknown]>, {
      ...{ seed, numRuns: RUNS_A_ROUND },
    });
    runs.set(name, (runs.get(name) ?? 0) + found.numRuns);
    // What a target put off until afterwards happens here, or it would be kept for ever.
    await new Promise((resolve) => setImmediate(resolve));
    if (!found.failed) continue;
    failed = true;
    send({ type: 'line', line: `FAILED ${name}, seed ${seed}\n${fc.defaultReportMessage(found)}` });
  }
}
for (const [name, count] of runs) send({ type: 'line', line: `${name}: ${count} inputs` });
const total = [...runs.values()].reduce((sum, count) => sum + count, 0);
const heapMb = Math.round(process.memoryUsage().heapUsed / 2 ** 20);
send({
  type: 'line',
  line: `${total} inputs, ${refused} refused, slowest ${slowestMs.toFixed(1)} ms, heap ${heapMb} MiB, ${failed ? 'FAILED' : 'none failed'}`,
});
if (failed) process.exit(1);
