import { load } from 'koffi';

/** What a sidecar tells the C library about memory. All of it is advice. */
export interface CLibrary {
  /** Bounds how many heaps threads may have of their own. */
  boundHeaps(count: number): void;
  /** Gives back to the system whole pages that hold nothing any more. */
  trim(): void;
  /** Unmaps clean pages of a file; whoever reads them again finds them where they were. */
  forget(address: bigint, bytes: bigint): void;
}

const M_ARENA_MAX = -8;
const MADV_DONTNEED = 4;

/** That of this process; undefined where it is not GNU's on Linux. */
export function cLibrary(): CLibrary | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const library = load(null);
    const mallopt = library.func('int mallopt(int option, int value)');
    const mallocTrim = library.func('int malloc_trim(size_t pad)');
    const madvise = library.func('int madvise(uintptr_t address, size_t length, int advice)');
    return {
      boundHeaps: (count) => void mallopt(M_ARENA_MAX, count),
      trim: () => void mallocTrim(0),
      forget: (address, bytes) => void madvise(address, bytes, MADV_DONTNEED),
    };
  } catch {
    // Another C library has no such functions, and needs none to run a sidecar.
    return undefined;
  }
}
