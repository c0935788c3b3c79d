import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { it, type TestAPI } from 'vitest';

/** What stands in the way of a program in a directory. */
export type Hindrance =
  /** The directory may be read and entered only, also by root. */
  | 'no right'
  | 'read-only'
  /** There is room for a name, and for no byte. */
  | 'full disk'
  /** There is room for no name. */
  | 'no inode left';

export interface HinderedRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const root = process.getuid?.() === 0;
/** Without these even root is asked for its rights. */
const AS_ANYBODY = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];
const OWN_MOUNTS = ['unshare', '--mount', ...(root ? [] : ['--map-root-user'])];

const MOUNTS: Readonly<Record<Exclude<Hindrance, 'no right'>, string>> = {
  'read-only': 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"',
  'full disk':
    'mount -t tmpfs -o size=4m,mode=700 none "$0" && ! head -c 5M /dev/zero 2>&- >"$0/filler"',
  'no inode left': 'mount -t tmpfs -o nr_inodes=1,mode=700 none "$0"',
};

const mayHinder = [
  [...AS_ANYBODY, 'true'],
  [...OWN_MOUNTS, 'mount', '-t', 'tmpfs', 'none', '/mnt'],
  ['unshare', '--user', '--map-user=54321', 'true'],
].every(([program = '', ...args]) => spawnSync(program, args).status === 0);

/** `it` for tests with `runHindered` or `unshare`: skipped where the system cannot, and a failure in CI. */
export const itHindered: Pick<TestAPI, 'each'> &
  ((name: string, test: () => void | Promise<void>) => void) =
  mayHinder || process.env['CI'] ? it : it.skip;

/** Runs a program to its end, at most `timeoutMs` (default 20 s), while something real stands in its way there. */
export function runHindered(
  hindrance: Hindrance,
  directory: string,
  command: readonly string[],
  { env = process.env, timeoutMs = 20_000 } = {},
): HinderedRun {
  const options = { encoding: 'utf8', timeout: timeoutMs, killSignal: 'SIGKILL', env } as const;
  const [program = '', ...args] = wrapped(hindrance, directory, command);
  if (hindrance === 'no right') chmodSync(directory, 0o500);
  const { error, status: code, stdout, stderr } = spawnSync(program, args, options);
  if (hindrance === 'no right') chmodSync(directory, 0o700);
  if (error !== undefined) throw error;
  return { code, stdout, stderr };
}

function wrapped(
  hindrance: Hindrance,
  directory: string,
  command: readonly string[],
): readonly string[] {
  if (hindrance === 'no right') return root ? [...AS_ANYBODY, ...command] : command;
  return [...OWN_MOUNTS, 'sh', '-c', `${MOUNTS[hindrance]} && exec "$@"`, directory, ...command];
}
