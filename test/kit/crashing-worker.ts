import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { serveWorker } from '../../src/proxy/workers/serve-worker.ts';
import type { ToWorker, WorkerStart } from '../../src/proxy/workers/worker-protocol.ts';

const LONG_MS = 3_600_000;

// A proxy worker that dies of an error nobody catches when the label `crash` is set to its first number. With the
// label `version` it is one that the process of that version starts.
const given = workerData as WorkerStart;
const start = { ...given, version: given.workload.labels['version'] ?? given.version };
parentPort?.on('message', (message: ToWorker) => {
  const crash = message.kind === 'change' ? message.change.workload?.labels?.['crash'] : undefined;
  if (crash === String(start.plan.firstNumber)) throw new Error('told to crash');
});
// With the label `stuck` it never gets to serve.
if (start.workload.labels['stuck'] !== undefined) await sleep(LONG_MS);
if (parentPort !== null) await serveWorker(parentPort, start);
