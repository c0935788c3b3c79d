import { MeshError } from '../../lib/errors.ts';
import { ensurePrivateFile } from '../../store/database-file.ts';
import { connect, type Database } from '../../store/sqlite.ts';
import { storeError } from '../../store/sqlite-error.ts';
import { IssuanceLedger } from './issuance-ledger.ts';

/** 'HBKL'. */
const APPLICATION_ID = 0x48424b4c;
const SCHEMA_VERSION = 3;
const BUSY_TIMEOUT_MS = 2_000;

/**
 * Columns are named as the fields of IssuedRecord, and two say of the certificates of one workload
 * which came after which: `replaces` is whose proof it was asked with, `replacedAtMs` when the one
 * that came after was first shown.
 */
const IN_USE =
  'CREATE INDEX issued_in_use ON issued (id, attestor, issuerSerial, notAfterMs) WHERE replacedAtMs = 0;';

const SCHEMA = `
  CREATE TABLE issued (
    serial TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    issuerSerial TEXT NOT NULL,
    notBeforeMs INTEGER NOT NULL,
    notAfterMs INTEGER NOT NULL,
    issuedAtMs INTEGER NOT NULL,
    attestor TEXT NOT NULL,
    peerAddress TEXT NOT NULL,
    replaces TEXT NOT NULL DEFAULT '',
    replacedAtMs INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX issued_of_id ON issued (id, issuedAtMs);
  CREATE INDEX issued_by_issuer ON issued (issuerSerial, notAfterMs);
  CREATE INDEX issued_until ON issued (notAfterMs);
  CREATE INDEX issued_at ON issued (issuedAtMs);
  ${IN_USE}
`;

/** By the version that the file has. */
const UPGRADES: Readonly<Record<number, string>> = {
  1: `ALTER TABLE issued ADD COLUMN replaces TEXT NOT NULL DEFAULT '';
    ALTER TABLE issued ADD COLUMN replacedAtMs INTEGER NOT NULL DEFAULT 0;
    ${IN_USE}`,
  2: IN_USE,
};

export interface IssuanceLedgerFile {
  /** The database file; it is made, for its owner only, if it does not exist. */
  readonly path: string;
  /** See IssuanceLedgerOptions. */
  readonly maxRecords?: number;
}

/**
 * The ledger in a SQLite file of its own: hundreds of certificates a second are too many for the
 * resources' store, which keeps the history of everything.
 *
 * @throws {MeshError} ERR_STORE, saying what to do, when the file cannot be used.
 */
export function openIssuanceLedger({ path, ...options }: IssuanceLedgerFile): IssuanceLedger {
  ensurePrivateFile(path);
  let database: Database | undefined;
  try {
    database = connect(path, { busyTimeoutMs: BUSY_TIMEOUT_MS });
    prepare(database, path);
    return new IssuanceLedger({ database, path, ...options });
  } catch (error) {
    database?.close();
    throw storeError(error, path);
  }
}

function prepare(database: Database, path: string): void {
  const ours = one(database, 'PRAGMA application_id') === APPLICATION_ID;
  const empty = one(database, 'SELECT count(*) FROM sqlite_schema') === 0;
  const version = one(database, 'PRAGMA user_version');
  const upgrade = UPGRADES[Number(version)];
  if (!empty && !(ours && (version === SCHEMA_VERSION || upgrade !== undefined))) {
    throw new MeshError(
      'ERR_STORE',
      `"${path}" is not a ledger of certificates that this version reads; move it away or start the Hauberk that made it`,
    );
  }
  // As the store's own database: a commit that resolves has reached the disk.
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON',
  );
  if (!empty) {
    if (upgrade !== undefined) database.exec(inOneStep(upgrade));
    return;
  }
  database.exec(inOneStep(`${SCHEMA} PRAGMA application_id = ${APPLICATION_ID};`));
}

function inOneStep(statements: string): string {
  return `BEGIN IMMEDIATE; ${statements} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`;
}

function one(database: Database, sql: string): unknown {
  return Object.values(database.prepare(sql).get() ?? {})[0];
}
