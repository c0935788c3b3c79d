import { libcFunction } from './libc-function.ts';

const prctl = libcFunction<number, [number, bigint, bigint, bigint, bigint]>(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);
const PR_SET_DUMPABLE = 4;

/**
 * For a process that has keys in memory: a crash writes no core file with them, and no other process of the same
 * user may read its memory or trace it (PR_SET_DUMPABLE, prctl(2)). Programs that it starts are not concerned. False
 * where the system does not know of that.
 */
export function forbidDumps(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n) === 0;
  } catch {
    return false;
  }
}
