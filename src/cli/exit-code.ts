import { MeshError, type MeshErrorCode } from '../lib/errors.ts';

/** 0 good, 1 the answer is no, 2 wrong usage, 3 could not find out. */
export type ExitCode = 0 | 1 | 2 | 3;

const COULD_NOT_FIND_OUT: readonly MeshErrorCode[] = [
  'ERR_UNREACHABLE',
  'ERR_STORE',
  'ERR_SEAL',
  'ERR_GONE',
  'ERR_RULES',
];

/** The exit code that an error ends the program with. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!MeshError.is(error)) return 3;
  if (error.code === 'ERR_USAGE') return 2;
  return COULD_NOT_FIND_OUT.includes(error.code) ? 3 : 1;
}
