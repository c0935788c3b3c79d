import { forbidDumps } from '../lib/forbid-dumps.ts';

/**
 * Runs `work` until it ends or the process is told to stop; a second signal ends it at once. It is a server: that
 * nobody reads what it prints, or that the disk is full, does not end it, and its memory cannot be dumped.
 */
export async function untilStopped(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.stdout.removeAllListeners('error').on('error', () => undefined);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    forbidDumps();
    await work(controller.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
