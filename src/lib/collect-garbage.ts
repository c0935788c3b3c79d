import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Collection {
  /** Gives up caches too, which takes longer. */
  readonly thorough?: boolean;
}

/** Lets V8 look through all memory of this thread, which then does nothing else for some tens of milliseconds. */
export function collectGarbage({ thorough = false }: Collection = {}): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect !== 'function') return;
  const flavor = thorough ? 'last-resort' : 'regular';
  collect({ type: 'major', execution: 'sync', flavor });
}
