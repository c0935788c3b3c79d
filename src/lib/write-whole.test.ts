import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { itHindered, runHindered } from '../../test/kit/hindered.ts';
import { writeNew, writeWhole } from './write-whole.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-write-whole-'));
  path = join(directory, 'x');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('puts a private file in the place of what was there, and leaves nothing beside it', () => {
  writeFileSync(path, 'before', { mode: 0o644 });
  writeFileSync(`${path}.new`, 'of a crash', { mode: 0o644 });
  writeWhole(path, 'after');
  expect(readFileSync(path, 'utf8')).toBe('after');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(['x']);
});

it('does not follow a link to where it would write, nor wait for a pipe', () => {
  const elsewhere = join(directory, 'elsewhere');
  symlinkSync(elsewhere, `${path}.new`);
  symlinkSync(elsewhere, path);
  writeWhole(path, 'after');
  expect(readdirSync(directory)).toEqual(['x']);
  expect(readFileSync(path, 'utf8')).toBe('after');
});

it('makes a new file, and never takes the place of another', () => {
  writeNew(path, 'first');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(() => writeNew(path, 'second')).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  expect(readFileSync(path, 'utf8')).toBe('first');
  expect(readdirSync(directory)).toEqual(['x']);
});

it('leaves what was there when a directory is in the way', () => {
  mkdirSync(path);
  expect(() => writeWhole(path, 'x')).toThrow();
  expect(() => writeNew(path, 'x')).toThrow();
  expect(readdirSync(directory)).toEqual(['x']);
});

itHindered.each(['writeWhole', 'writeNew'])(
  'leaves nothing of %s on a full disk (needs unshare)',
  (name) => {
    const module = JSON.stringify(new URL('./write-whole.ts', import.meta.url).href);
    const code = `
    import { readdirSync } from 'node:fs';
    import { ${name} } from ${module};
    const [, directory] = process.argv;
    try { ${name}(directory + '/x', 'text'); } catch ({ code }) { console.log(code); }
    console.log(readdirSync(directory).join());`;
    const command = [process.execPath, '--input-type=module', '-e', code, directory];
    const { stdout, stderr } = runHindered('full disk', directory, command);
    expect(stdout + stderr).toBe('ENOSPC\nfiller\n');
  },
);
