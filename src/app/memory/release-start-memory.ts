import { readFileSync, realpathSync } from 'node:fs';
import { collectGarbage } from '../../lib/collect-garbage.ts';
import { type CLibrary, cLibrary } from './c-library.ts';
import { programPages } from './program-pages.ts';

/** Of V8's and libuv's threads: one for all of them, and one for those that find it taken. */
const MAX_HEAPS = 2;

/** Keeps threads that the process starts later from having heaps of their own, which never shrink. */
export function boundThreadMemory(): void {
  cLibrary()?.boundHeaps(MAX_HEAPS);
}

/**
 * Gives back to the system what only the start needed: the garbage of loading modules, code that ran
 * once, what they leave half empty, and the pages of Node's own program that will not be run again,
 * such as its module loader. Takes some tens of milliseconds, so call it before anybody waits. V8 and
 * the C library themselves would do it only when memory is short.
 */
export function releaseStartMemory(): void {
  collectGarbage({ thorough: true });
  const library = cLibrary();
  if (library === undefined) return;
  library.trim();
  forgetProgram(library);
}

function forgetProgram(library: CLibrary): void {
  try {
    const program = realpathSync('/proc/self/exe');
    for (const { address, bytes } of programPages(
      readFileSync('/proc/self/smaps', 'latin1'),
      program,
    )) {
      library.forget(address, bytes);
    }
  } catch {
    // Without /proc nothing is known of the pages, so they stay.
  }
}
