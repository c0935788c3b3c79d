import type { Database, Statement } from '../store/sqlite.ts';

/** The ledger's statements, prepared once. */
export interface IssuanceQuery {
  readonly count: Statement;
  readonly insert: Statement;
  readonly bySerial: Statement;
  readonly byId: Statement;
  readonly newest: Statement;
  readonly live: Statement;
  readonly outdated: Statement;
  readonly replaced: Statement;
  readonly writeOff: Statement;
  readonly drop: Statement;
}

const COLUMNS =
  'serial, id, issuerSerial, notBeforeMs, notAfterMs, issuedAtMs, attestor, peerAddress';

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
    byId: query(
      `SELECT ${COLUMNS} FROM issued WHERE id = ? ORDER BY issuedAtMs DESC, serial LIMIT ?`,
    ),
    newest: query(`SELECT ${COLUMNS} FROM issued ORDER BY issuedAtMs DESC, serial LIMIT ?`),
    live: query(
      'SELECT count(*) AS n, max(notAfterMs) AS until FROM issued WHERE issuerSerial = ? AND notAfterMs > ?',
    ),
    outdated: query(
      'SELECT serial, id, notAfterMs, attestor FROM issued WHERE issuerSerial <> ? AND notAfterMs > ? AND replacedAtMs = 0 ORDER BY id, serial LIMIT ?',
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
