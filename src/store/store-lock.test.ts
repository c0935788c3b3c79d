import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { startStoreProcess } from '../../test/kit/store-process.ts';
import { testSealer } from '../../test/kit/store-rig.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';
import { lockStore } from './store-lock.ts';

describe('lockStore', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hauberk-lock-'));
    path = join(directory, 'hauberk.db');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const open = (file = path): Store =>
    openSqliteStore({ path: file, clock: new ManualClock(), sealer: testSealer });

  it('names the process that has the database open, until that is killed', async () => {
    await using child = startStoreProcess('hold', path);
    await child.said(1);
    expect(() => open()).toThrow(
      `the database "${path}" is in use by process ${child.pid}; stop that control plane or give this one its own --data-dir`,
    );
    await child.kill();
    open().close();
  }, 20_000);

  it('refuses a second store in the same process, under any name of the file', () => {
    const store = open();
    const alias = join(directory, 'alias.db');
    symlinkSync(path, alias);
    for (const file of [path, alias]) {
      expect(() => open(file)).toThrow(`"${path}" is in use by this process (${process.pid})`);
    }
    store.close();
    open(alias).close();
  });

  it('is not lost by the attempts of others', async () => {
    const lock = lockStore(path);
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(() => lockStore(path)).toThrow('in use by this process');
    }
    // POSIX locks die when their process closes any descriptor of the file: another must see it.
    await using child = startStoreProcess('hold', path);
    await child.said(1);
    expect(child.lines[0]).toContain(`is in use by process ${process.pid}; stop`);
    lock.release();
    lockStore(path).release();
  }, 20_000);

  it('is an empty file that only its user may read', () => {
    const lock = lockStore(path);
    expect(statSync(`${path}.lock`)).toMatchObject({ mode: 0o100600, size: 0 });
    lock.release();
    expect(readdirSync(directory)).toEqual(['hauberk.db.lock']);
  });
});
