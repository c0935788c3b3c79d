// biome-ignore lint/correctness/noUnresolvedImports: Biome 2.6.8 does not know this module of Node's
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** A connection to a SQLite file; the only module that knows whose driver it is. */
export type Database = DatabaseSync;
export type Statement = StatementSync;

/** Opens the file without looking into it yet; it is made if it does not exist. */
export function connect(path: string, options: { readonly busyTimeoutMs: number }): Database {
  return new DatabaseSync(path, { timeout: options.busyTimeoutMs });
}
