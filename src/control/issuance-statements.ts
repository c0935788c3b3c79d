import type { Database, Statement } from '../store/sqlite.ts';

/** The ledger's statements, prepared once. */
export interface IssuanceQuery {
  readonly count: Statement;
  readonly insert: Statement;
  readonly bySerial: Statement;
  readonly byId: Statement;
  readonly newest: Statement;
  readonly live: Statement;
  readonly drop: Statement;
}

export function issuanceStatements(database: Database): IssuanceQuery {
  const query = (sql: string): Statement => database.prepare(sql);
  return {
    count: query('SELECT count(*) AS n FROM issued'),
    insert: query(
      'INSERT INTO issued VALUES (:serial, :id, :issuerSerial, :notBeforeMs, :notAfterMs, :issuedAtMs, :attestor, :peerAddress)',
    ),
    bySerial: query(
      'SELECT * FROM issued WHERE serial >= ? AND serial < ? ORDER BY serial LIMIT ?',
    ),
    byId: query('SELECT * FROM issued WHERE id = ? ORDER BY issuedAtMs DESC, serial LIMIT ?'),
    newest: query('SELECT * FROM issued ORDER BY issuedAtMs DESC, serial LIMIT ?'),
    live: query(
      'SELECT count(*) AS n, max(notAfterMs) AS until FROM issued WHERE issuerSerial = ? AND notAfterMs > ?',
    ),
    drop: query('DELETE FROM issued WHERE notAfterMs <= ?'),
  };
}
