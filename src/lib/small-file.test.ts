import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itHindered, runHindered } from '../../test/kit/hindered.ts';
import { readSmallFile } from './small-file.ts';

describe('readSmallFile', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hauberk-small-file-'));
    path = join(directory, 'x');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const fifo = (): unknown => execFileSync('mkfifo', [path]);
  const read = (more = {}): string =>
    readSmallFile({ path, what: 'token file', maxBytes: 10, ...more });

  it('gives what is in it, up to its limit', () => {
    writeFileSync(path, '');
    expect(read()).toBe('');
    writeFileSync(path, '0123456789');
    expect(read()).toBe('0123456789');
    writeFileSync(path, '0123456789a');
    expect(() => read()).toThrow(`the token file "${path}" has 11 bytes, at most 10 are read`);
  });

  it('does not read a file of a gigabyte to say that it is too large', () => {
    writeFileSync(path, '');
    truncateSync(path, 2 ** 30);
    expect(() => read()).toThrow(
      'has 1073741824 bytes, at most 10 are read; is it the right file?',
    );
  });

  it.each<[string, () => unknown, string]>([
    ['a directory', () => mkdirSync(path), 'is a directory; there must be a file in its place'],
    ['a FIFO', fifo, 'is no plain file; there must be a file in its place'],
    ['a device', () => symlinkSync('/dev/zero', path), 'is no plain file; there must'],
    [
      'a link into nowhere',
      () => symlinkSync('nowhere', path),
      'cannot be read: it does not exist',
    ],
    ['a link to itself', () => symlinkSync(path, path), 'cannot be read: the symbolic links'],
    ['nothing', () => undefined, 'cannot be read: it does not exist'],
  ])('says in one sentence that %s is there', (_what, make, why) => {
    make();
    expect(() => read()).toThrow(
      expect.objectContaining({
        code: 'ERR_STORE',
        message: expect.stringContaining(`the token file "${path}" ${why}`),
      }),
    );
  });

  itHindered('says who may not read it (needs setpriv)', () => {
    writeFileSync(path, 'x');
    chmodSync(path, 0);
    const module = JSON.stringify(new URL('./small-file.ts', import.meta.url).href);
    const script = `import { readSmallFile } from ${module};
      try { readSmallFile({ path: process.argv[1], what: 'file', maxBytes: 9 }); } catch (e) { console.log(e.message); }`;
    const command = [process.execPath, '--input-type=module', '-e', script, path];
    const { stdout, stderr } = runHindered('no right', directory, command);
    expect(stdout + stderr).toMatch(/^the file "[^"]+" cannot be read: user ".*" has no right/);
  });

  it('waits for what is written to a pipe, where pipes are taken', async () => {
    fifo();
    const writer = spawn('sh', ['-c', 'exec 3>"$0"; sleep 0.1; printf 01234 >&3', path]);
    expect(read({ pipeMs: 60_000 })).toBe('01234');
    await new Promise((resolve) => writer.once('exit', resolve));
  });

  it('does not wait without an end, nor read one', () => {
    fifo();
    expect(() => read({ pipeMs: 40 })).toThrow(
      `the token file "${path}" cannot be read: nothing came for 40 ms`,
    );
    rmSync(path);
    symlinkSync('/dev/zero', path);
    expect(() => read({ pipeMs: 40 })).toThrow('has more than 10 bytes, at most 10 are read');
  });
});
