import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { MeshError, messageOf } from '../lib/errors.ts';

const KEY_BYTES = 32;

/**
 * The 32 byte key under which Secrets are sealed, from a file that only its owner may read. Made
 * when there is none and `mayCreate`: a database that is already sealed must not get a new key.
 *
 * @throws {MeshError} ERR_STORE when the file is missing, malformed or open to others.
 */
export function readMasterKey(path: string, mayCreate: boolean): Uint8Array {
  if (!existsSync(path)) {
    if (!mayCreate) {
      throw new MeshError(
        'ERR_STORE',
        `the master key "${path}" is missing, so the database beside it cannot be opened; put the key back from your backup`,
      );
    }
    const key = randomBytes(KEY_BYTES);
    writeKey(path, key);
    return key;
  }
  const { mode } = statSync(path);
  if ((mode & 0o077) !== 0) {
    throw new MeshError(
      'ERR_STORE',
      `the master key "${path}" can be read by others; run chmod 600 on it`,
    );
  }
  const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64');
  if (key.length === KEY_BYTES) return key;
  throw new MeshError('ERR_STORE', `"${path}" does not hold a base64 key of ${KEY_BYTES} bytes`);
}

function writeKey(path: string, key: Uint8Array): void {
  try {
    writeFileSync(path, `${Buffer.from(key).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new MeshError('ERR_STORE', `cannot write the master key "${path}": ${messageOf(cause)}`, {
      cause,
    });
  }
}
