import { parentPort, workerData } from 'node:worker_threads';
import { serveWorker } from '../../src/proxy/workers/serve-worker.ts';
import type { ToWorker, WorkerStart } from '../../src/proxy/workers/worker-protocol.ts';

// A proxy worker that dies of an error nobody catches when the label `crash` is set to its first number.
const start = workerData as WorkerStart;
parentPort?.on('message', (message: ToWorker) => {
  const crash = message.kind === 'change' ? message.change.workload?.labels?.['crash'] : undefined;
  if (crash === String(start.plan.firstNumber)) throw new Error('told to crash');
});
if (parentPort !== null) await serveWorker(parentPort, start);
