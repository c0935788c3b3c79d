import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Where `scripts/install-peers.sh` puts programs that a distribution does not have. */
const INSTALLED = fileURLToPath(new URL('../../.cache/peers/bin', import.meta.url));

/**
 * Declares tests against a real program: `tests` is called with its path. Where the program is not
 * installed they are skipped by its name, with CI set they fail.
 */
export function peer(program: string, tests: (path: string) => void): void {
  const path = find(program);
  if (path !== undefined) {
    describe(`with ${program}`, () => tests(path));
    return;
  }
  const name = `${program} is installed`;
  if (!process.env['CI']) it.skip(name);
  else it(name, () => expect.unreachable(`${program} is neither on the PATH nor in .cache/peers`));
}

/** As `peer`, of a program that takes too long to build for CI: without it the tests are skipped by its name everywhere. */
export function handBuiltPeer(
  program: string,
  script: string,
  tests: (path: string) => void,
): void {
  const path = find(program);
  if (path === undefined) it.skip(`${program} is built (${script})`);
  else describe(`with ${program}`, () => tests(path));
}

function find(program: string): string | undefined {
  const directories = (process.env['PATH'] ?? '')
    .split(delimiter)
    .concat(INSTALLED, '/usr/sbin', '/sbin');
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
