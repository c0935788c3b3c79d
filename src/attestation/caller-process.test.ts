import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ticksSinceBoot } from './boot-clock.ts';
import { readCallerProcess } from './caller-process.ts';
import { fileHash } from './file-hash.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-proc-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const credentials = { pid: process.pid, uid: 5, gid: 6 };

/** A /proc in which process 7 is as told. */
function procOf(files: {
  readonly stat?: string;
  readonly cgroup?: string;
  readonly exe?: string;
}) {
  const proc = mkdtempSync(join(directory, 'proc-'));
  mkdirSync(join(proc, '7'));
  const { stat, cgroup, exe } = files;
  if (stat !== undefined) writeFileSync(join(proc, '7', 'stat'), stat);
  if (cgroup !== undefined) writeFileSync(join(proc, '7', 'cgroup'), cgroup);
  if (exe !== undefined) symlinkSync(exe, join(proc, '7', 'exe'));
  return proc;
}

const statOf = (ticks: number, name = 'shop') =>
  `7 (${name}) S 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 ${ticks} 1 1`;
const seven = { credentials: { pid: 7, uid: 5, gid: 6 }, atTicks: 1_000 };

describe('a caller', () => {
  it('is this very process, when that calls', async () => {
    const caller = { credentials, atTicks: ticksSinceBoot() };
    const found = await readCallerProcess(caller, { hash: fileHash() });
    const sha256 = createHash('sha256').update(readFileSync('/proc/self/exe')).digest('hex');
    expect(found).toMatchObject({ ...credentials, sha256 });
    expect(found.path).toBe(
      execFileSync('readlink', [`/proc/${process.pid}/exe`])
        .toString()
        .trim(),
    );
    expect(found.cgroup).toMatch(/^\//);
  });

  it('is looked up however it has named itself', async () => {
    const stat = statOf(10, 'a) S 9 (b');
    const proc = procOf({ stat, cgroup: '0::/system.slice/shop.service\n', exe: '/usr/bin/shop' });
    expect(await readCallerProcess(seven, { hash: undefined, proc })).toEqual({
      ...seven.credentials,
      ...{ path: '/usr/bin/shop', sha256: undefined, cgroup: '/system.slice/shop.service' },
    });
  });

  it.each([
    ['12:cpu:/x\n1:name=systemd:/old.slice\n', '/old.slice'],
    ['1:name=systemd:/old.slice\n0::/new.slice\n', '/new.slice'],
    ['0::/a:b\n', '/a:b'],
    ['nonsense', undefined],
  ])('is in the cgroup that %j says', async (cgroup, expected) => {
    const proc = procOf({ stat: statOf(10), cgroup });
    const found = await readCallerProcess(seven, { hash: undefined, proc });
    expect(found).toMatchObject({ cgroup: expected, path: undefined });
  });

  it('is gone when the process of that number began after the connection', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    try {
      const later = { ...credentials, pid: child.pid ?? 0 };
      const known = { credentials: later, atTicks: ticksSinceBoot() };
      expect(await readCallerProcess(known, { hash: undefined })).toMatchObject({ uid: 5 });
      const before = { credentials: later, atTicks: ticksSinceBoot() - 1_000 };
      const reading = readCallerProcess(before, { hash: undefined });
      await expect(reading).rejects.toThrow(/began after the connection was made/);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('is gone when another process has taken its number while it was read', async () => {
    const proc = procOf({ stat: statOf(10) });
    const hash = async (path: string): Promise<undefined> => {
      writeFileSync(path.replace(/exe$/, 'stat'), statOf(900));
    };
    const reading = readCallerProcess(seven, { hash, proc });
    await expect(reading).rejects.toMatchObject({ code: 'ERR_UNAUTHENTICATED' });
  });

  it.each([{}, { stat: '' }, { stat: '7 (x) S' }])('is gone when /proc says %j', async (files) => {
    const reading = readCallerProcess(seven, { hash: undefined, proc: procOf(files) });
    await expect(reading).rejects.toMatchObject({ code: 'ERR_UNAUTHENTICATED' });
  });
});

describe('the hash of an executable', () => {
  const path = join(directory, 'program');
  const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

  it('follows what is in the file', async () => {
    const hash = fileHash();
    writeFileSync(path, 'one');
    expect(await hash(path)).toBe(hashOf('one'));
    writeFileSync(path, 'two!');
    expect(await hash(path)).toBe(hashOf('two!'));
  });

  it('is none for a file that is too long or not there', async () => {
    writeFileSync(path, 'x'.repeat(11));
    expect(await fileHash({ maxBytes: 10 })(path)).toBeUndefined();
    expect(await fileHash({ maxBytes: 11 })(path)).toBe(hashOf('x'.repeat(11)));
    expect(await fileHash()(join(directory, 'nothing'))).toBeUndefined();
  });
});
