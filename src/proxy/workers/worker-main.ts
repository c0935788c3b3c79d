import { parentPort, workerData } from 'node:worker_threads';
import { serveWorker } from './serve-worker.ts';

// The whole of a worker's thread; see ProxyThread.
if (parentPort !== null) await serveWorker(parentPort, workerData);
