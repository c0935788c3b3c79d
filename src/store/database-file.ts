import { accessSync, closeSync, constants, openSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { MeshError } from '../lib/errors.ts';
import { errorCode, fileProblem, ownUser } from '../lib/file-problem.ts';

/**
 * The absolute path of the database file, without symbolic links, so that every way to it leads to
 * one lock. The file need not exist, its directory must.
 *
 * @throws {MeshError} ERR_STORE when the directory or file cannot be used.
 */
export function locateDatabase(path: string): string {
  const directory = dirname(resolve(path));
  if (statOf(directory)?.isDirectory() === false) {
    throw new MeshError(
      'ERR_STORE',
      `"${directory}" is not a directory; give another with --data-dir`,
    );
  }
  checkAccess(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  const file = join(realpathSync(directory), basename(path));
  const stat = statOf(file);
  if (stat === undefined) return file;
  if (!stat.isFile()) {
    throw notFile(file);
  }
  checkAccess(file, constants.R_OK | constants.W_OK);
  return realpathSync(file);
}

/**
 * Makes an empty file that only this user may read, unless it exists; SQLite gives its WAL and shm
 * files the same rights. An existing file is not even opened: to close it again would drop the
 * locks that this process may hold on it (POSIX fcntl).
 *
 * @throws {MeshError} ERR_STORE when the file system refuses, or something else is there.
 */
export function ensurePrivateFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw refusal(error, file);
    const stat = statOf(file);
    if (stat === undefined || stat.isFile()) return;
    throw notFile(file);
  }
}

/** Undefined for a file that does not exist in a directory that does. */
function statOf(path: string): ReturnType<typeof statSync> {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw refusal(error, path);
  }
}

function checkAccess(path: string, mode: number): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    throw refusal(error, path);
  }
}

function notFile(file: string): MeshError {
  return new MeshError(
    'ERR_STORE',
    `"${file}" is not a file; move it away or give another --data-dir`,
  );
}

function refusal(error: unknown, path: string): MeshError {
  return new MeshError('ERR_STORE', describe(error, path), { cause: error });
}

function describe(error: unknown, path: string): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return `the data directory "${path}" does not exist; create it or give another with --data-dir`;
    case 'ENOTDIR':
      return `a part of the path "${path}" is not a directory; give another with --data-dir`;
    case 'EACCES':
    case 'EPERM':
      return `${ownUser()} may not read and write "${path}"; change its owner or give another --data-dir`;
    case 'EROFS':
      return `"${path}" is on a read-only file system; give a writable --data-dir`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `the disk is full, "${path}" cannot be created; free some space and try again`;
    default:
      return `"${path}" cannot be used: ${fileProblem(error)}`;
  }
}
