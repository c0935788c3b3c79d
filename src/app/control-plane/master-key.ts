import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MeshError } from '../../lib/errors.ts';
import { fileProblem } from '../../lib/file-problem.ts';
import { writeNew } from '../../lib/write-whole.ts';
import { readPrivateFile } from '../private-file.ts';

/** Where a master key may come from; the first that is given counts and the others are not read. */
export interface MasterKeySources {
  /** 1. A file that the operator names; it must exist. */
  readonly file?: string | undefined;
  /** 2. The key itself, in base64, as `HAUBERK_MASTER_KEY` has it. */
  readonly environment?: string | undefined;
  /** 3. systemd's `$CREDENTIALS_DIRECTORY`, when it has `hauberk-master-key`. */
  readonly credentialsDirectory?: string | undefined;
}

/** 4. Where there is no other source. */
export interface OwnMasterKey {
  readonly path: string;
  /** Whether it is made when it is missing: never for a database that is sealed already. */
  readonly mayCreate: boolean;
}

const KEY_BYTES = 32;
const BASE64_KEY = /^[A-Za-z0-9+/]{43}=$/;
const CREDENTIAL = 'hauberk-master-key';
/** systemd grants its credentials by ACL, which shows as rights of the group. */
const WORLD = 0o007;

/**
 * The 32 byte key under which Secrets are sealed.
 *
 * @throws {MeshError} ERR_STORE when the source that counts is missing, malformed or open to
 *   others. The key is in no message, and a worse source is never tried in place of a bad one.
 */
export function readMasterKey(sources: MasterKeySources, own: OwnMasterKey): Uint8Array {
  const { file, environment, credentialsDirectory } = sources;
  if (file !== undefined) return fromNamedFile(file);
  if (environment !== undefined) return decodeKey(environment, 'HAUBERK_MASTER_KEY');
  if (credentialsDirectory !== undefined) {
    const path = join(credentialsDirectory, CREDENTIAL);
    if (existsSync(path)) {
      const text = readPrivateFile({ path, what: 'credential', forbiddenMode: WORLD });
      return decodeKey(text, `the credential "${path}"`);
    }
  }
  return fromOwnFile(own);
}

function fromNamedFile(path: string): Uint8Array {
  if (existsSync(path)) return fromFile(path);
  throw new MeshError(
    'ERR_STORE',
    `the master key "${path}" does not exist; make one with: (umask 077; openssl rand -base64 ${KEY_BYTES} > ${path})`,
  );
}

function fromOwnFile({ path, mayCreate }: OwnMasterKey): Uint8Array {
  if (existsSync(path)) return fromFile(path);
  if (!mayCreate) {
    throw new MeshError(
      'ERR_STORE',
      `the master key "${path}" is missing, so the database beside it cannot be opened; put the key back from your backup, or name its source (--master-key-file, HAUBERK_MASTER_KEY, or the systemd credential ${CREDENTIAL})`,
    );
  }
  const key = randomBytes(KEY_BYTES);
  writeKey(path, key);
  return key;
}

function fromFile(path: string): Uint8Array {
  return decodeKey(readPrivateFile({ path, what: 'master key' }), `"${path}"`);
}

function decodeKey(text: string, source: string): Uint8Array {
  const compact = text.trim();
  if (BASE64_KEY.test(compact)) return Buffer.from(compact, 'base64');
  throw new MeshError(
    'ERR_STORE',
    `${source} does not hold a base64 key of ${KEY_BYTES} bytes, as \`openssl rand -base64 ${KEY_BYTES}\` makes one`,
  );
}

function writeKey(path: string, key: Uint8Array): void {
  try {
    writeNew(path, `${Buffer.from(key).toString('base64')}\n`);
  } catch (cause) {
    throw new MeshError(
      'ERR_STORE',
      `cannot write the master key "${path}": ${fileProblem(cause)}`,
      {
        cause,
      },
    );
  }
}
