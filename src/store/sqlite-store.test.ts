import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { readEvents } from '../../test/kit/read-events.ts';
import { describeStore } from '../../test/kit/store-contract.ts';
import { startStoreProcess, storeChild } from '../../test/kit/store-process.ts';
import { sqliteRig, testSealer } from '../../test/kit/store-rig.ts';
import { openSqliteStore } from './sqlite-store.ts';

describe('openSqliteStore', () => describeStore(sqliteRig, { numRuns: 60 }));

describe('a database whose process ends badly', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hauberk-crash-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('holds exactly the acknowledged commits after kill -9 in the middle of them', async () => {
    const path = join(directory, 'hauberk.db');
    let version = 0;
    for (const commits of [1, 40, 150]) {
      await using child = startStoreProcess('commit', path);
      await child.said(1 + commits);
      await child.kill();
      const acknowledged = Number(child.lines.at(-1));
      expect(acknowledged).toBeGreaterThanOrEqual(version + 2 * commits);

      const store = openSqliteStore({ path, clock: new ManualClock(), sealer: testSealer });
      version = store.version;
      // One commit of two objects may have reached the disk before its acknowledgement was said.
      expect([acknowledged, acknowledged + 2]).toContain(version);
      const { items } = await store.list('Service');
      const last = { value: version - 2 };
      expect(items.map(({ metadata, spec }) => [metadata.resourceVersion, spec])).toEqual([
        [String(version - 1), last],
        [String(version), last],
      ]);
      const stop = new AbortController();
      const watch = store.watch({ fromVersion: 0 }, stop.signal)[Symbol.asyncIterator]();
      const events = await readEvents(watch, version);
      expect(events.map((event) => event.version)).toEqual(events.map((_, index) => index + 1));
      stop.abort();
      store.close();
    }
  }, 30_000);

  // In a shell of its own namespaces, where a small disk may be mounted.
  const unshared = (script: string, ...args: string[]) =>
    spawnSync('sh', ['-c', `unshare -rm sh -c '${script}' sh "$@"`, 'sh', ...args], {
      encoding: 'utf8',
    });
  const canMount = unshared('mount -t tmpfs none /mnt').status === 0;
  it.skipIf(!canMount && process.env['CI'] === undefined)(
    'refuses commits in one sentence on a full disk and goes on when there is room (needs unshare)',
    () => {
      const disk = join(directory, 'disk');
      mkdirSync(disk);
      const script = 'mount -t tmpfs -o size=2m none "$1" && exec "$2" "$3" fill "$1/hauberk.db"';
      const { stdout, stderr } = unshared(script, disk, process.execPath, storeChild);
      expect(stderr).toBe('');
      const report: unknown = JSON.parse(stdout);
      expect(report).toMatchObject({
        code: 'ERR_STORE',
        message: `the disk of the database "${disk}/hauberk.db" is full, nothing was changed; free some space and try again`,
      });
      const { acknowledged, full, reopened } = report as Record<string, number>;
      expect(full).toBe(acknowledged);
      expect(reopened).toBe((acknowledged ?? 0) + 1);
    },
    30_000,
  );
});
