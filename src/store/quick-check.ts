// biome-ignore lint/correctness/noUnresolvedImports: Biome 2.6.8 does not know this module of Node's
import { DatabaseSync } from 'node:sqlite';

const MOST_NAMED = 5;
const BUSY_TIMEOUT_MS = 5_000;

/**
 * What SQLite finds wrong with the structure of a database file, a line each and a few at most; nothing
 * for a sound one. Only reads, also while another process writes. Reads the whole file.
 *
 * @throws {Error} when it cannot be opened, or is no database at all.
 */
export function quickCheck(path: string): readonly string[] {
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    const rows = database.prepare(`PRAGMA quick_check(${MOST_NAMED})`).all();
    const lines = rows.flatMap((row) => Object.values(row).map(String));
    return lines.filter((line) => line !== 'ok');
  } finally {
    database.close();
  }
}
