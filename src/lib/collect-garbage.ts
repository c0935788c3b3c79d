import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Collection {
  /** Gives up caches too, which takes longer. */
  readonly thorough?: boolean;
}

/** Lets V8 look through all memory of this thread, which then does nothing else for some tens of milliseconds. */
export function collectGarbage({ thorough = false }: Collection = {}): void {
  // Of the whole process, so it is never unset: another thread may be between these two lines.
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('globalThis.gc');
  if (typeof collect !== 'function') return;
  const flavor = thorough ? 'last-resort' : 'regular';
  collect({ type: 'major', execution: 'sync', flavor });
}
