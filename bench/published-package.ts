import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MeshError } from '../src/lib/errors.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = join(root, '.cache/bench-package');

/**
 * Builds what npm publishes, and gives the path of its `bin/hauberk`: without sources beside it, so
 * that no types are stripped while it runs.
 *
 * @throws {MeshError} ERR_USAGE when it cannot be built.
 */
export function publishedPackage(): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/build.mjs'], {
    ...{ cwd: root, encoding: 'utf8' },
  });
  if (status !== 0) throw new MeshError('ERR_USAGE', `cannot build dist/: ${stdout}${stderr}`);
  rmSync(built, { recursive: true, force: true });
  mkdirSync(built, { recursive: true });
  for (const part of ['bin', 'dist', 'proto', 'package.json']) {
    cpSync(join(root, part), join(built, part), { recursive: true });
  }
  return join(built, 'bin/hauberk');
}
