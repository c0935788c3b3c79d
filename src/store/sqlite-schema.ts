import { MeshError } from '../lib/errors.ts';
import type { Database } from './sqlite.ts';
import { damageText } from './sqlite-error.ts';

/** 'HBK1': tells a Hauberk database from one that another program made. */
const APPLICATION_ID = 0x48424b31;

/**
 * The steps from an empty database to the present schema; `PRAGMA user_version` counts those that
 * were taken. A step that was released is never edited: what changes afterwards is a new one.
 *
 * `body` is the JSON of a resource as text, or as a blob when it is sealed.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    key_check BLOB
  ) STRICT;
  INSERT INTO store (id, version, floor) VALUES (1, 0, 0);

  CREATE TABLE object (
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    body ANY NOT NULL,
    PRIMARY KEY (kind, namespace, name)
  ) STRICT;

  CREATE TABLE history (
    version INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    type TEXT NOT NULL,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    body ANY NOT NULL
  ) STRICT;
  CREATE INDEX history_of_object ON history (kind, namespace, name, version);
  `,
];

/** What is in a file: 'empty' has no schema yet. */
export type DatabaseState = 'empty' | 'ours';

/**
 * Looks at a database without changing it.
 *
 * @throws {MeshError} ERR_STORE when another program or a newer Hauberk made it.
 */
export function inspectSchema(database: Database, path: string): DatabaseState {
  const tables = pragma(database, 'SELECT count(*) FROM sqlite_schema');
  if (tables === 0) return 'empty';
  if (pragma(database, 'PRAGMA application_id') !== APPLICATION_ID) {
    throw new MeshError(
      'ERR_STORE',
      `"${path}" is the database of another program; move the file away or give another --data-dir`,
    );
  }
  const schema = pragma(database, 'PRAGMA user_version');
  if (typeof schema === 'number' && schema <= migrations.length) return 'ours';
  throw new MeshError(
    'ERR_STORE',
    `the database "${path}" has schema ${schema}, this program knows ${migrations.length}; start the newer Hauberk that wrote it, or restore a backup from before the upgrade`,
  );
}

/**
 * Reads the structure of the whole database, about 1.5 GB a second from the page cache.
 *
 * @throws {MeshError} ERR_STORE when something in it does not fit together.
 */
export function checkStructure(database: Database, path: string): void {
  const verdict = pragma(database, 'PRAGMA quick_check(1)');
  if (verdict !== 'ok')
    throw new MeshError('ERR_STORE', damageText(path, oneLine(String(verdict))));
}

/** Takes the steps that the database has not taken yet: all of them or, when one fails, none. */
export function migrate(database: Database): void {
  const taken = Number(pragma(database, 'PRAGMA user_version'));
  if (taken === migrations.length) return;
  database.exec(
    [
      'BEGIN IMMEDIATE',
      ...migrations.slice(taken),
      `PRAGMA application_id = ${APPLICATION_ID}`,
      `PRAGMA user_version = ${migrations.length}`,
      'COMMIT',
    ].join(';\n'),
  );
}

/** `quick_check` heads its findings with a line that says in which database they are. */
function oneLine(verdict: string): string {
  return verdict.replace(/^\*\*\*.*\n/, '').replaceAll(/\s+/g, ' ');
}

function pragma(database: Database, sql: string): unknown {
  return Object.values(database.prepare(sql).get() ?? {})[0];
}
