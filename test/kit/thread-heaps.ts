import { type DebuggableProcess, ThreadDebugger } from './thread-debugger.ts';

const USED = { expression: 'process.memoryUsage().heapUsed', returnByValue: true };
const MB = 2 ** 20;

/** What the heap of each thread of a process holds after a garbage collection, in MB; the main thread first. */
export async function threadHeaps(target: DebuggableProcess): Promise<readonly number[]> {
  const attached = await ThreadDebugger.attach(target);
  const asks = [
    (method: string, params?: object) => attached.main(method, params),
    ...attached.workers.map(
      (worker) => (method: string, params?: object) => attached.worker(worker, method, params),
    ),
  ];
  const heaps: number[] = [];
  for (const ask of asks) {
    await ask('HeapProfiler.collectGarbage');
    const { result } = await ask('Runtime.evaluate', USED);
    heaps.push(Math.round((Number(result?.result?.value) / MB) * 10) / 10);
  }
  attached.close();
  return heaps;
}
