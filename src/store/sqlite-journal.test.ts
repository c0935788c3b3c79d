import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { readEvents } from '../../test/kit/read-events.ts';
import { put, service, serviceKey } from '../../test/kit/store-contract.ts';
import { testSealer } from '../../test/kit/store-rig.ts';
import type { Retention } from './retention.ts';
import { connect } from './sqlite.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';

describe('a store in SQLite', () => {
  let directory: string;
  let path: string;
  let store: Store;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hauberk-journal-'));
    path = join(directory, 'hauberk.db');
  });
  afterEach(() => {
    store.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const open = (retention?: Retention): Store =>
    openSqliteStore({
      path,
      clock: new ManualClock(),
      sealer: testSealer,
      ...(retention === undefined ? {} : { retention }),
    });
  const count = (sql: string): number => {
    const database = connect(path, { busyTimeoutMs: 0 });
    const [value] = Object.values(database.prepare(sql).get() ?? {});
    database.close();
    return Number(value);
  };

  it('gives a watcher that is far behind the same events from disk as from memory', async () => {
    store = open();
    const stop = new AbortController();
    const early = store.watch({ fromVersion: 0 }, stop.signal)[Symbol.asyncIterator]();
    const secrets = store.watch({ fromVersion: 0, kind: 'Secret' }, stop.signal);
    const total = 3_000;
    for (let version = 0; version < total; version += 100) {
      await store.commit(
        Array.from({ length: 100 }, (_, index) => ({
          op: 'put' as const,
          resource: { ...service(`n${index}`, version), kind: index === 50 ? 'Secret' : 'Service' },
        })),
      );
    }
    const events = await readEvents(early, total);
    expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
    const ofSecrets = await readEvents(secrets[Symbol.asyncIterator](), total / 100);
    expect(ofSecrets).toEqual(events.filter(({ resource }) => resource.kind === 'Secret'));
    stop.abort();
  });

  it('holds a page of a mebibyte, not more, of large objects read from disk', async () => {
    store = open();
    for (let index = 0; index < 6; index++) {
      await put(store, service(`n${index}`, 'x'.repeat(500_000)));
    }
    store.close();
    store = open();
    const stop = new AbortController();
    const watch = store.watch({ fromVersion: 0 }, stop.signal)[Symbol.asyncIterator]();
    const events = await readEvents(watch, 6);
    expect(events.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6]);
    // A read that was left in the middle must not keep the WAL from being taken over.
    await put(store, service('last'));
    store.close();
    expect(statSync(path).size).toBeGreaterThan(6_000_000);
    stop.abort();
  });

  it('deletes from disk what the retention lets go', async () => {
    store = open({ events: 100, versionsPerObject: 10 });
    for (let value = 0; value < 500; value++) await put(store, service('busy', value));
    for (let value = 0; value < 50; value++) {
      await put(store, service(`gone${value}`));
      await store.commit([{ op: 'delete', key: serviceKey(`gone${value}`) }]);
    }
    for (let value = 0; value < 220; value++) await put(store, service(`n${value % 2}`, value));
    expect(count(`SELECT count(*) FROM history WHERE name = 'busy'`)).toBe(10);
    expect(count(`SELECT count(*) FROM history WHERE name LIKE 'gone%'`)).toBe(0);
    expect(count('SELECT count(*) FROM history')).toBeLessThanOrEqual(10 + 10 + 10 + 110);
    expect(count('SELECT count(*) FROM object')).toBe(3);
  });

  it('may be read by another program while it is open', async () => {
    store = open();
    await put(store, service('a'));
    expect(count('SELECT version FROM store')).toBe(1);
    await put(store, service('b'));
    expect(count('SELECT version FROM store')).toBe(2);
  });

  it('refuses to write on when another program has written', async () => {
    store = open();
    await put(store, service('a'));
    const database = connect(path, { busyTimeoutMs: 0 });
    database.exec('UPDATE store SET version = 5');
    database.close();
    await expect(put(store, service('b'))).rejects.toThrow(
      'the database was changed by another program while it was in use; restart the control plane to read it anew',
    );
    await expect(put(store, service('b'))).rejects.toThrow('restart the control plane');
    expect((await store.list('Service')).items).toHaveLength(1);
    expect(count('SELECT count(*) FROM history')).toBe(1);
  });

  it('says that another program is writing', async () => {
    store = open();
    const database = connect(path, { busyTimeoutMs: 0 });
    database.exec('BEGIN IMMEDIATE');
    await expect(put(store, service('a'))).rejects.toThrow(
      `another program is writing to the database "${path}"; close it and try again`,
    );
    database.close();
    expect((await put(store, service('a'))).metadata.resourceVersion).toBe('1');
  }, 10_000);
});
