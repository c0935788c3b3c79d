import { readFileSync, statSync } from 'node:fs';
import { MeshError } from '../lib/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';

export interface PrivateFile {
  readonly path: string;
  /** What it is, for messages: `master key`. */
  readonly what: string;
  /** Default 4 KiB. */
  readonly maxBytes?: number;
  /**
   * Permission bits that must not be set. Default 0o077: nobody but the owner. Where an ACL gives
   * the owner's right, as in systemd's credential directory, the group bits are only its mask.
   */
  readonly forbiddenMode?: number;
}

const SMALL = 4 * 1024;

/**
 * The text of a file that holds a secret.
 *
 * @throws {MeshError} ERR_STORE when it is missing, no plain file, too large, or open to others.
 */
export function readPrivateFile(file: PrivateFile): string {
  const { path, what, maxBytes = SMALL, forbiddenMode = 0o077 } = file;
  const stat = attempt(file, () => statSync(path));
  if (!stat.isFile()) throw refusal(`the ${what} "${path}" is not a plain file`);
  if ((stat.mode & forbiddenMode) !== 0) {
    throw refusal(
      `the ${what} "${path}" can be used by others (mode ${(stat.mode & 0o777).toString(8)}); run chmod 600 on it`,
    );
  }
  if (stat.size > maxBytes) {
    throw refusal(
      `the ${what} "${path}" has ${stat.size} bytes, at most ${maxBytes} are read; is it the right file?`,
    );
  }
  return attempt(file, () => readFileSync(path, 'utf8'));
}

function attempt<T>({ path, what }: PrivateFile, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw refusal(`the ${what} "${path}" cannot be read: ${fileProblem(cause)}`, cause);
  }
}

function refusal(message: string, cause?: unknown): MeshError {
  return new MeshError('ERR_STORE', message, { cause });
}
