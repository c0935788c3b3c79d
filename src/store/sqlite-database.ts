import { MeshError } from '../lib/errors.ts';
import type { Sealer } from '../lib/sealer.ts';
import { ensurePrivateFile } from './database-file.ts';
import { connect, type Database } from './sqlite.ts';
import { storeError } from './sqlite-error.ts';
import { checkStructure, inspectSchema, migrate } from './sqlite-schema.ts';

/** Never changed: a database made under another text could not be opened any more. */
const KEY_CHECK = 'the key check of the store';

/**
 * Only programs of an operator's hand (sqlite3, a backup) can hold the database for a moment; the
 * whole process stands still while it waits for them.
 */
const BUSY_TIMEOUT_MS = 2_000;

/** Beyond this the WAL file is shortened when it is next reused. */
const WAL_BYTES = 16 * 1024 * 1024;

/**
 * Opens the database at `path`, new or existing, checked, migrated, and fitting the master key.
 *
 * @throws {MeshError} ERR_STORE when it cannot be used; ERR_SEAL when it was made with another key.
 */
export function openDatabase(path: string, sealer: Sealer): Database {
  ensurePrivateFile(path);
  let database: Database | undefined;
  try {
    database = connect(path, { busyTimeoutMs: BUSY_TIMEOUT_MS });
    if (inspectSchema(database, path) === 'ours') checkStructure(database, path);
    configure(database);
    migrate(database);
    checkKey(database, sealer, path);
    return database;
  } catch (error) {
    database?.close();
    throw storeError(error, path);
  }
}

/**
 * WAL, so that a commit is one sequential write and readers never wait. In WAL mode
 * `synchronous=NORMAL` syncs at checkpoints only: the database stays whole through a power cut but
 * loses the commits before it, and a policy that was withdrawn would hold again, an enrolment token
 * that was spent could be spent again. FULL syncs the WAL at every commit, which is what makes
 * `commit` resolving a promise; the price is about four fifths of the commits per second, of which
 * thousands remain. EXTRA adds nothing in WAL mode. On macOS fsync alone does not reach the platter,
 * hence `fullfsync`; elsewhere it has no effect.
 */
function configure(database: Database): void {
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA journal_size_limit = ${WAL_BYTES};
    PRAGMA temp_store = MEMORY;
  `);
}

/** With the wrong key nothing may be written, or the database would need two keys from then on. */
function checkKey(database: Database, sealer: Sealer, path: string): void {
  const row = database.prepare('SELECT version, key_check FROM store').get();
  const check = row?.['key_check'];
  if (check === null && row?.['version'] === 0) {
    const sealed = sealer.seal(new Uint8Array(), KEY_CHECK);
    database.prepare('UPDATE store SET key_check = ?').run(sealed);
    return;
  }
  try {
    sealer.open(check instanceof Uint8Array ? check : new Uint8Array(), KEY_CHECK);
  } catch (cause) {
    throw new MeshError(
      'ERR_SEAL',
      `the master key is not the one that the database "${path}" was made with; start with that key, or give another --data-dir`,
      { cause },
    );
  }
}
