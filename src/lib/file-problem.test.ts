import { execFileSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { expect, it } from 'vitest';
import { itHindered } from '../../test/kit/hindered.ts';
import { errorCode, fileProblem, ownUser } from './file-problem.ts';

function refused(path: string): unknown {
  try {
    return openSync(path, 'w');
  } catch (error) {
    return error;
  }
}

it('says in words what the system refused, and what to do', () => {
  expect(fileProblem(refused('/proc'))).toBe(
    'it is a directory; move that away, or choose another place',
  );
  expect(fileProblem(refused('/dev/null/x'))).toMatch('a part of the path is not a directory');
  expect(fileProblem(refused('/nowhere/x'))).toMatch('it does not exist, or a directory');
});

it.each(['EACCES', 'EROFS', 'ENOSPC', 'EDQUOT', 'ELOOP', 'EMFILE', 'EIO', 'ENOLCK'])(
  'does not show %s to the operator',
  (code) => {
    const said = fileProblem(Object.assign(new Error(`${code}: raw`), { code }));
    expect(said).not.toContain(code);
    expect(said).toMatch(/; /);
  },
);

it('passes on what it knows no better words for', () => {
  expect(fileProblem(new Error('it is not JSON'))).toBe('it is not JSON');
  expect(fileProblem('odd')).toBe('odd');
  expect(errorCode(new Error('x'))).toBeUndefined();
  expect(errorCode(Object.assign(new Error('x'), { code: 5 }))).toBeUndefined();
});

it('names the user', () => {
  expect(ownUser()).toBe(`user "${userInfo().username}"`);
});

itHindered('names a user that no list has by its number (needs unshare)', () => {
  const module = JSON.stringify(new URL('./file-problem.ts', import.meta.url).href);
  const script = `import { ownUser } from ${module};\nconsole.log(ownUser());`;
  const args = [
    '--user',
    '--map-user=54321',
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ];
  expect(execFileSync('unshare', args, { encoding: 'utf8' })).toBe('user 54321\n');
});
