import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Puts a file that only its owner may read (0600) in the place of `path`, in one step and on the disk when this
 * returns: when it fails or the power goes, what was there before is there. Of two that write at once one may fail.
 *
 * @throws {Error} as `node:fs` does.
 */
export function writeWhole(path: string, text: string): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  writeThen(temporary, text, () => renameSync(temporary, path));
  syncDirectory(dirname(path));
}

/**
 * As `writeWhole`, for a name that nothing has yet. Of two that write at once one has the name.
 *
 * @throws {Error} as `node:fs` does; EEXIST when something is there.
 */
export function writeNew(path: string, text: string): void {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.new`;
  writeThen(temporary, text, () => linkSync(temporary, path));
  rmSync(temporary, { force: true });
  syncDirectory(dirname(path));
}

function writeThen(temporary: string, text: string, finish: () => void): void {
  const file = openSync(temporary, 'wx', 0o600);
  try {
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    finish();
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** A name that is not on the disk yet is lost with the power. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
