import type { Database, Statement } from '../../store/sqlite.ts';

/** The ledger's statements, prepared once. */
export interface IssuanceQuery {
  readonly count: Statement;
  readonly insert: Statement;
  readonly bySerial: Statement;
  readonly countOf: Statement;
  readonly byId: Statement;
  readonly newest: Statement;
  readonly live: Statement;
  readonly held: Statement;
  readonly replaced: Statement;
  readonly writeOff: Statement;
  readonly drop: Statement;
}

const COLUMNS =
  'serial, id, issuerSerial, notBeforeMs, notAfterMs, issuedAtMs, attestor, peerAddress';

/** In one direction, so that a page is read from an index and nothing is sorted. */
const NEWEST_FIRST = 'ORDER BY issuedAtMs DESC, serial DESC';

export function issuanceStatements(database: Database): IssuanceQuery {
  const query = (sql: string): Statement => database.prepare(sql);
  return {
    count: query('SELECT count(*) AS n FROM issued'),
    insert: query(
      `INSERT INTO issued (${COLUMNS}, replaces) VALUES (:serial, :id, :issuerSerial, :notBeforeMs, :notAfterMs, :issuedAtMs, :attestor, :peerAddress, :replaces)`,
    ),
    bySerial: query(
      `SELECT ${COLUMNS} FROM issued WHERE serial >= ? AND serial < ? ORDER BY serial LIMIT ?`,
    ),
    countOf: query('SELECT count(*) AS n FROM issued WHERE id = ?'),
    byId: query(
      `SELECT ${COLUMNS} FROM issued WHERE id = ? AND (issuedAtMs, serial) < (?, ?) ${NEWEST_FIRST} LIMIT ?`,
    ),
    newest: query(
      `SELECT ${COLUMNS} FROM issued WHERE (issuedAtMs, serial) < (?, ?) ${NEWEST_FIRST} LIMIT ?`,
    ),
    live: query(
      'SELECT count(*) AS n, max(notAfterMs) AS until FROM issued WHERE issuerSerial = ? AND notAfterMs > ?',
    ),
    // The + keeps SQLite from the index of all certificates by their end.
    held: query(
      `SELECT id, attestor, max(notAfterMs) AS untilMs FROM issued
       WHERE issuerSerial <> ? AND +notAfterMs > ? AND replacedAtMs = 0
       AND serial NOT IN (SELECT value FROM json_each(?)) GROUP BY id, attestor`,
    ),
    replaced: query(
      'UPDATE issued SET replacedAtMs = :atMs WHERE replacedAtMs = 0 AND serial = (SELECT replaces FROM issued WHERE serial = :serial)',
    ),
    writeOff: query(
      'UPDATE issued SET replacedAtMs = :atMs WHERE replacedAtMs = 0 AND issuerSerial <> :signerSerial',
    ),
    drop: query('DELETE FROM issued WHERE notAfterMs <= ?'),
  };
}
