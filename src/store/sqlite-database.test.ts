import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { put, service, serviceKey } from '../../test/kit/store-contract.ts';
import { testSealer } from '../../test/kit/store-rig.ts';
import { aesSealer } from '../lib/sealer.ts';
import { connect, type Database } from './sqlite.ts';
import { openDatabase } from './sqlite-database.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-database-'));
  path = join(directory, 'hauberk.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (sealer = testSealer): Store =>
  openSqliteStore({ path, clock: new ManualClock(), sealer });

/** A database with some hundred objects, closed. */
async function fill(): Promise<void> {
  const store = open();
  for (let index = 0; index < 200; index++) await put(store, service(`n${index}`, 'x'.repeat(500)));
  store.close();
}

function alter(work: (database: Database) => void): void {
  const database = connect(path, { busyTimeoutMs: 0 });
  work(database);
  database.close();
}

describe('opening a database', () => {
  it('syncs every commit to the disk, in WAL mode', () => {
    const database = openDatabase(path, testSealer);
    const setting = (name: string): unknown =>
      Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    expect(setting('journal_mode')).toBe('wal');
    expect(setting('synchronous')).toBe(2);
    expect(setting('user_version')).toBe(1);
    database.close();
  });

  it('makes files that only their user may read', async () => {
    const store = open();
    await put(store, service('a'));
    for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}.lock`]) {
      expect(statSync(file).mode & 0o777, file).toBe(0o600);
    }
    store.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it('takes an empty file for a new database', () => {
    writeFileSync(path, '');
    open().close();
  });

  it('refuses a file that is not a database, and does not change it', () => {
    const text = 'apiVersion: v1\n'.repeat(100);
    writeFileSync(path, text);
    expect(() => open()).toThrow(
      `"${path}" is not a Hauberk database; move the file away or give another data directory`,
    );
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('refuses the database of another program, and does not change it', () => {
    alter((database) => database.exec('CREATE TABLE mine (a)'));
    const before = readFileSync(path);
    expect(() => open()).toThrow('is the database of another program; move the file away');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('refuses a database of a newer program', () => {
    open().close();
    alter((database) => database.exec('PRAGMA user_version = 7'));
    expect(() => open()).toThrow(
      `the database "${path}" has schema 7, this program knows 1; start the newer Hauberk that wrote it, or restore a backup from before the upgrade`,
    );
  });

  it.each([
    [
      'overwritten in the middle',
      (): void => {
        const file = openSync(path, 'r+');
        writeSync(file, Buffer.alloc(8_192, 0xa5), 0, 8_192, 40_960);
        closeSync(file);
      },
    ],
    ['cut short', (): void => truncateSync(path, 81_920)],
    [
      'missing a row that an index has',
      (): void =>
        alter((database) => {
          database.enableDefensive(false);
          database.exec(`PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET rootpage = (
              SELECT rootpage FROM sqlite_schema WHERE name = 'object'
            ) WHERE name = 'history_of_object'`);
        }),
    ],
  ])('refuses a database that was %s', async (_, damage) => {
    await fill();
    damage();
    expect(() => open()).toThrow(
      /is damaged \(.+\); restore it from a backup, or save what can be read with: sqlite3 ".+" \.recover$/,
    );
  });

  it('refuses another master key before anything is written with it, and lets go', async () => {
    const store = open();
    await put(store, service('a'));
    store.close();
    expect(() => open(aesSealer(Buffer.alloc(32, 8)))).toThrow(
      `the master key is not the one that the database "${path}" was made with; start with that key, or give another --data-dir`,
    );
    const again = open();
    expect(await again.get(serviceKey('a'))).toBeDefined();
    again.close();
  });

  it('refuses a used database whose key check was removed', async () => {
    const store = open();
    await put(store, service('a'));
    store.close();
    alter((database) => database.exec('UPDATE store SET key_check = NULL'));
    expect(() => open()).toThrow('the master key is not the one');
  });
});
