import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { MeshError, messageOf } from '../lib/errors.ts';

/**
 * Makes sure that `path` is a directory that only its owner can enter (0700).
 *
 * @throws {MeshError} ERR_STORE saying what is in the way.
 */
export function ensurePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
  } catch (cause) {
    throw new MeshError(
      'ERR_STORE',
      `cannot use "${path}" as a directory: ${messageOf(cause)}; give the user that runs hauberk the right to write there, or choose another directory`,
      { cause },
    );
  }
}
