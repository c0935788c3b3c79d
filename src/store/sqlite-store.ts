import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Sealer } from '../lib/sealer.ts';
import { locateDatabase } from './database-file.ts';
import { JournalStore } from './journal-store.ts';
import { defaultRetention, type Retention } from './retention.ts';
import type { Database } from './sqlite.ts';
import { openDatabase } from './sqlite-database.ts';
import { storeError } from './sqlite-error.ts';
import { SqliteJournal } from './sqlite-journal.ts';
import { SqliteStatements } from './sqlite-statements.ts';
import type { Store } from './store.ts';
import { lockStore } from './store-lock.ts';

export interface SqliteStoreOptions {
  /** The database file; it is made if it does not exist, its directory is not. */
  readonly path: string;
  readonly clock: Clock;
  /** Seals the objects of confidential kinds, now and in history. */
  readonly sealer: Sealer;
  readonly retention?: Retention;
  /**
   * The counter of a new database starts after this version instead of 0, so that a store that is
   * filled from a backup never gives out a version that its predecessor has given out.
   */
  readonly afterVersion?: number;
}

/**
 * A store in one SQLite file, for one process at a time: it holds `<path>.lock` until it is closed
 * or the process ends. Other programs may read the file meanwhile, never write it.
 *
 * @throws {MeshError} ERR_STORE, saying what to do, when the file or its directory cannot be used,
 *   is damaged, is of a newer Hauberk, or in use by another process; ERR_SEAL when `sealer` is not
 *   the one that the database was made with.
 */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  const { clock, sealer, retention = defaultRetention } = options;
  const path = locateDatabase(options.path);
  const lock = lockStore(path);
  try {
    const database = openDatabase(path, sealer);
    try {
      if (options.afterVersion !== undefined) startAfter(options.afterVersion, database);
      const journal = new SqliteJournal({ database, path, sealer, retention, lock });
      return new JournalStore(journal, clock);
    } catch (error) {
      database.close();
      throw storeError(error, path);
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

function startAfter(version: number, database: Database): void {
  const statements = new SqliteStatements(database);
  const now = statements.counter();
  if (now.version > 0) {
    throw new MeshError('ERR_CONFLICT', `the store is at version ${now.version} already`);
  }
  statements.moveCounter(now, { version, floor: version });
}
