import { statSync } from 'node:fs';
import { MeshError } from '../lib/errors.ts';
import { holderText, lockHolder } from '../lib/lock-holder.ts';
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
    const holder = holderText(lockHolder(statSync(file, { bigint: true }), 'POSIX'));
    throw new MeshError(
      'ERR_STORE',
      `the database "${path}" is in use by ${holder}; stop that control plane or give this one its own --data-dir`,
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
