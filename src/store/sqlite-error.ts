import { MeshError, messageOf } from '../lib/errors.ts';

// SQLite's primary result codes, https://sqlite.org/rescode.html
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** SQLite's primary result code of what `node:sqlite` threw, or undefined for any other error. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error && 'errcode' in error)) return undefined;
  // The upper bits say which system call it was; the reaction is the same.
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

/** Whether another connection holds the lock that was asked for. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === BUSY;
}

/**
 * What an operator reads when the database at `path` fails: ERR_STORE in one sentence with what to
 * do. A MeshError passes unchanged.
 */
export function storeError(error: unknown, path: string): MeshError {
  if (MeshError.is(error)) return error;
  return new MeshError('ERR_STORE', describe(error, path), { cause: error });
}

/** The sentence for a database of which SQLite says `detail`. */
export function damageText(path: string, detail: string): string {
  return `the database "${path}" is damaged (${detail}); restore it from a backup, or save what can be read with: sqlite3 "${path}" .recover`;
}

function describe(error: unknown, path: string): string {
  const detail = messageOf(error);
  switch (sqliteCode(error)) {
    case BUSY:
      return `another program is writing to the database "${path}"; close it and try again`;
    case READONLY:
      return `the database "${path}" cannot be written; make it and its directory writable for this user`;
    case IOERR:
      return `the disk failed under the database "${path}" (${detail}); check its free space, quota and health`;
    case CORRUPT:
      return damageText(path, detail);
    case FULL:
      return `the disk of the database "${path}" is full, nothing was changed; free some space and try again`;
    case CANTOPEN:
      return `the database "${path}" cannot be opened; check the rights of the file and of its directory`;
    case NOTADB:
      return `"${path}" is not a Hauberk database; move the file away or give another data directory`;
    default:
      return `the database "${path}" failed: ${detail}`;
  }
}
