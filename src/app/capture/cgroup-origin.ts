import { readFileSync, statSync } from 'node:fs';
import { join, normalize, relative } from 'node:path';
import { MeshError } from '../../lib/errors.ts';
import type { Origin } from '../../proxy/capture/capture-plan.ts';

/** Where `nft` looks for the cgroup that a rule names, wherever the hierarchy is mounted. */
const NFT_ROOT = '/sys/fs/cgroup';
const HARMLESS = /^[A-Za-z0-9_.@:/-]+$/;

/** Where the cgroup v2 hierarchy is mounted; undefined where it is not. */
export function cgroupRoot(): string | undefined {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const mount = mounts.find((line) => / - cgroup2 /.test(line));
  return mount?.split(' ')[4];
}

/**
 * A cgroup as the rules name it: `path` from the root of the hierarchy, or with it.
 *
 * @throws {MeshError} ERR_USAGE when there is no such cgroup, or it is the root itself.
 */
export function cgroupOrigin(path: string): Extract<Origin, { kind: 'cgroup' }> {
  const root = cgroupRoot();
  if (root === undefined) {
    throw new MeshError(
      'ERR_USAGE',
      '--cgroup needs the cgroup v2 hierarchy, which is not mounted here',
    );
  }
  const own = normalize(path.startsWith(`${root}/`) ? path.slice(root.length) : `/${path}`);
  const trimmed = own.replace(/^\/+|\/+$/g, '');
  if (!HARMLESS.test(trimmed) || !isDirectory(join(root, trimmed))) {
    throw new MeshError('ERR_USAGE', `--cgroup "${path}" is no cgroup below ${root}`);
  }
  const mountedPath = relative(NFT_ROOT, join(root, trimmed));
  return { kind: 'cgroup', path: trimmed, mountedPath, level: trimmed.split('/').length };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
