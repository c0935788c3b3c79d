import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensurePrivateFile, locateDatabase } from './database-file.ts';

describe('locateDatabase', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hauberk-file-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('takes a file that does not exist yet in a directory that does', () => {
    expect(locateDatabase(join(directory, 'hauberk.db'))).toBe(join(directory, 'hauberk.db'));
  });

  it('gives one path to every name of a file', () => {
    writeFileSync(join(directory, 'real.db'), '');
    symlinkSync(join(directory, 'real.db'), join(directory, 'link.db'));
    symlinkSync(directory, `${directory}-link`);
    expect(locateDatabase(join(`${directory}-link`, 'link.db'))).toBe(join(directory, 'real.db'));
    rmSync(`${directory}-link`);
  });

  it('says that the directory is missing', () => {
    const missing = join(directory, 'missing');
    expect(() => locateDatabase(join(missing, 'hauberk.db'))).toThrow(
      `the data directory "${missing}" does not exist; create it or give another with --data-dir`,
    );
  });

  it.each([
    ['file/hauberk.db', 'file" is not a directory; give another with --data-dir'],
    ['file/below/hauberk.db', 'is not a directory; give another with --data-dir'],
    ['directory', 'directory" is not a file; move it away or give another --data-dir'],
  ])('refuses %s', (path, message) => {
    writeFileSync(join(directory, 'file'), '');
    mkdirSync(join(directory, 'directory'));
    expect(() => locateDatabase(join(directory, path))).toThrow(message);
  });

  it('says who may not write where', () => {
    // Nobody may write in /sys, not even root, whom the mode of a directory does not stop.
    const locked = process.getuid?.() === 0 ? '/sys' : directory;
    if (locked === directory) chmodSync(directory, 0o500);
    expect(() => {
      locateDatabase(join(locked, 'hauberk.db'));
      ensurePrivateFile(join(locked, 'hauberk.db'));
    }).toThrow(/may not read and write|read-only file system/);
    chmodSync(directory, 0o700);
  });
});

describe('ensurePrivateFile', () => {
  it('makes a file that only its user may read, and leaves an existing one alone', () => {
    const directory = mkdtempSync(join(tmpdir(), 'hauberk-file-'));
    const file = join(directory, 'x');
    ensurePrivateFile(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o640);
    writeFileSync(file, 'content');
    ensurePrivateFile(file);
    expect(statSync(file)).toMatchObject({ size: 7, mode: 0o100640 });
    rmSync(directory, { recursive: true });
  });

  it('refuses what is no file, so that nobody waits for a pipe', () => {
    const directory = mkdtempSync(join(tmpdir(), 'hauberk-file-'));
    const file = join(directory, 'x');
    execFileSync('mkfifo', [file]);
    expect(() => ensurePrivateFile(file)).toThrow(
      `"${file}" is not a file; move it away or give another --data-dir`,
    );
    rmSync(directory, { recursive: true });
  });
});
