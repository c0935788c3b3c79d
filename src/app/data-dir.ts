import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MeshError } from '../lib/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';

/** Names in a control plane's data directory. */
export const DATABASE_FILE = 'hauberk.db';
/** What was issued. */
export const LEDGER_FILE = 'issued.db';
export const MASTER_KEY_FILE = 'master.key';
export const AUDIT_FILE = 'audit.log';

/** The file that lets kubectl and hauberk in as administrator. */
export function kubeconfigPath(dataDir: string): string {
  return join(dataDir, 'kubeconfig');
}

/** Where the mesh keeps its own resources, as Istio does. */
export const ROOT_NAMESPACE = 'istio-system';

/**
 * Makes sure that `path` is a directory that only its owner can enter (0700).
 *
 * @throws {MeshError} ERR_STORE saying what is in the way.
 */
export function ensurePrivateDirectory(path: string): void {
  try {
    makeDirectory(path);
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
  } catch (cause) {
    throw new MeshError('ERR_STORE', `cannot use "${path}" as a directory: ${fileProblem(cause)}`, {
      cause,
    });
  }
}

// mkdir's own `recursive` never returns for a directory under /proc.
function makeDirectory(path: string): void {
  if (existsSync(path)) {
    if (!statSync(path).isDirectory())
      throw new Error('it is a file; move that away, or choose another directory');
    return;
  }
  makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}
