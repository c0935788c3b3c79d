import { describe, expect, it } from 'vitest';
import { MeshError } from '../lib/errors.ts';
import { connect } from './sqlite.ts';
import { isBusy, storeError } from './sqlite-error.ts';

/** An error of SQLite itself, by doing what causes it. */
function failureOf(...sql: string[]): unknown {
  const database = connect(':memory:', { busyTimeoutMs: 0 });
  try {
    for (const statement of sql) database.exec(statement);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    database.close();
  }
}

describe('storeError', () => {
  it.each([
    [
      'a full disk',
      ['PRAGMA max_page_count = 2', 'CREATE TABLE t (a)', 'INSERT INTO t VALUES (zeroblob(99999))'],
      'the disk of the database "/d/hauberk.db" is full, nothing was changed; free some space and try again',
    ],
    [
      'a database that may only be read',
      ['CREATE TABLE t (a)', 'PRAGMA query_only = ON', 'INSERT INTO t VALUES (1)'],
      'the database "/d/hauberk.db" cannot be written; make it and its directory writable for this user',
    ],
    [
      'anything else',
      ['SELECT * FROM missing'],
      'the database "/d/hauberk.db" failed: no such table: missing',
    ],
  ])('has a sentence for %s', (_, sql, message) => {
    const failure = failureOf(...sql);
    expect(storeError(failure, '/d/hauberk.db')).toMatchObject({
      code: 'ERR_STORE',
      message,
      cause: failure,
    });
    expect(isBusy(failure)).toBe(false);
  });

  it('leaves a MeshError as it is', () => {
    const error = new MeshError('ERR_SEAL', 'x');
    expect(storeError(error, '/d/hauberk.db')).toBe(error);
  });
});
