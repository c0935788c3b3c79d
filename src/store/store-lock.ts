import { readFileSync, statSync } from 'node:fs';
import { MeshError } from '../lib/errors.ts';
import { ensurePrivateFile } from './database-file.ts';
import { connect, type Database } from './sqlite.ts';
import { isBusy, storeError } from './sqlite-error.ts';

/** The right to be the one process that writes a database. */
export interface StoreLock {
  release(): void;
}

/** A connection that nobody refers to is closed by the garbage collector, and its lock is gone. */
const heldConnections = new Set<Database>();

/**
 * Takes the lock of the database at `path` or fails at once. It is SQLite's own lock on an empty
 * file beside it, `<path>.lock`: the kernel drops it with the process, however that ends, and the
 * file that stays behind means nothing. The database itself stays open to readers such as
 * `sqlite3` and backup programs.
 *
 * @throws {MeshError} ERR_STORE, naming the process that has it where the system tells.
 */
export function lockStore(path: string): StoreLock {
  const file = `${path}.lock`;
  ensurePrivateFile(file);
  let database: Database | undefined;
  try {
    database = connect(file, { busyTimeoutMs: 0 });
    // Nothing is ever committed; without a journal file the lock needs no room on a full disk.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (!isBusy(error)) throw storeError(error, file);
    throw new MeshError(
      'ERR_STORE',
      `the database "${path}" is in use by ${holderOf(file)}; stop that control plane or give this one its own --data-dir`,
      { cause: error },
    );
  }
  const connection = database;
  heldConnections.add(connection);
  return {
    release() {
      heldConnections.delete(connection);
      connection.close();
    },
  };
}

/**
 * Who holds SQLite's lock on a file, by the kernel's list: it cannot be out of date, as a number
 * written to a file could. Other systems than Linux have none.
 */
function holderOf(file: string): string {
  const pid = lockHolders().get(statSync(file).ino);
  if (pid === process.pid) return `this process (${pid})`;
  return pid === undefined ? 'another process' : `process ${pid}`;
}

/** `12: POSIX  ADVISORY  WRITE 4711 fd:01:815 1073741824 1073742335`, of SQLite's lock bytes. */
const LOCK_LINE = /^\d+: POSIX +ADVISORY +WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) 10737418\d\d /gm;

/** Process by inode. Locks of processes outside of this container have no number. */
function lockHolders(): ReadonlyMap<number, number> {
  let list = '';
  try {
    list = readFileSync('/proc/locks', 'utf8');
  } catch {
    // Not Linux, or a sandbox without it.
  }
  const holders = [...list.matchAll(LOCK_LINE)].map(([, pid, inode]): [number, number] => [
    Number(inode),
    Number(pid),
  ]);
  return new Map(holders.filter(([, pid]) => pid > 0));
}
