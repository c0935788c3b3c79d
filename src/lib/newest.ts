import type { Watchable } from './watchable.ts';

/**
 * The present value and then each newer one until `signal` aborts. A reader that is slower than the
 * writer gets the newest only.
 */
export async function* newest<T>(source: Watchable<T>, signal: AbortSignal): AsyncGenerator<T> {
  let fresh = true;
  let wake = (): void => undefined;
  const changed = (): void => {
    fresh = true;
    wake();
  };
  const stop = source.subscribe(changed);
  const aborted = (): void => wake();
  signal.addEventListener('abort', aborted);
  try {
    while (!signal.aborted) {
      if (fresh) {
        fresh = false;
        yield source.current;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stop();
    signal.removeEventListener('abort', aborted);
  }
}
