import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../src/lib/errors.ts';
import type { FuzzMessage, FuzzOrder } from './fuzz-worker.ts';

// Feeds every parser of what strangers send with changed and made-up input for a bounded time, in a
// thread whose heap is bounded. Keys are new in each run, so a finding prints its input whole; the
// seed leads to the same changes.

/** One round of one target takes a fraction of a second; silence for so long is a hang. */
const HANG_MS = 30_000;
/** What the parsers may keep alive. */
const HEAP_MB = 256;

const USAGE = 'usage: node test/fuzz/run.ts [--seconds 60] [--seed NUMBER] [--only TARGET]';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    only: { type: 'string' },
  },
});
const order: FuzzOrder = {
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  only: values.only,
};
if (!(order.seconds > 0) || !Number.isInteger(order.seed)) {
  console.error(USAGE);
  process.exit(2);
}

console.log(`seed ${order.seed}, ${order.seconds} s; repeat with --seed ${order.seed}`);
const worker = new Worker(new URL('./fuzz-worker.ts', import.meta.url), {
  workerData: order,
  resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
});
let doing = 'start';
let watchdog = setTimeout(hung, HANG_MS);
worker.on('message', (message: FuzzMessage) => {
  clearTimeout(watchdog);
  watchdog = setTimeout(hung, HANG_MS);
  if (message.type === 'round') doing = `${message.target}, seed ${message.seed}`;
  else console.log(message.line);
});
worker.on('error', (error) => fail(`${doing}: ${messageOf(error)}`));
worker.on('exit', (code) => {
  clearTimeout(watchdog);
  if (code !== 0) process.exitCode = 1;
});

function hung(): void {
  fail(`${doing}: no answer for ${HANG_MS / 1_000} s`);
  void worker.terminate();
}

function fail(reason: string): void {
  console.error(`FAILED in ${reason}`);
  process.exitCode = 1;
}
