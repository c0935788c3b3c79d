import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_CRL_BYTES } from '../../ca/given-crls.ts';
import {
  PLUGGED_IN_NAMES,
  type PluggedInFiles,
  type PluggedInName,
  pluggedInFiles,
} from '../../ca/plugged-in-files.ts';
import { readPrivateFile } from '../private-file.ts';

const KEYS: readonly PluggedInName[] = ['ca-key.pem', 'tls.key'];
/** Kubernetes mounts with the rights of a group; a key that everybody can read is no secret. */
const WORLD = 0o007;
const MAX_BYTES = 256 * 1024;
const LISTS: PluggedInName = 'ca-crl.pem';

/**
 * The plug-in CA in `directory`, in either layout.
 *
 * @throws {MeshError} ERR_STORE when it is missing, partial, or its key is open to others.
 */
export function readCaDir(directory: string): PluggedInFiles {
  const files: Partial<Record<PluggedInName, string>> = {};
  for (const name of PLUGGED_IN_NAMES) {
    const path = join(directory, name);
    if (!existsSync(path)) continue;
    const forbiddenMode = KEYS.includes(name) ? WORLD : 0;
    files[name] = readPrivateFile({
      path,
      what: 'plug-in CA file',
      maxBytes: name === LISTS ? MAX_CRL_BYTES : MAX_BYTES,
      forbiddenMode,
    });
  }
  return pluggedInFiles(files, `"${directory}"`);
}
