import type { FactCache } from '../../agent/facts/fact-cache.ts';

/** Resolves when there are facts to decide by, kept ones or fresh ones. Without, all would be allowed. */
export function factsAt({ source }: FactCache, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (source.current.from !== 'nowhere' || signal.aborted) return resolve();
    const done = (): void => {
      stop();
      resolve();
    };
    const stop = source.subscribe(done);
    signal.addEventListener('abort', done, { once: true });
  });
}
