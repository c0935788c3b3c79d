import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Backup, MAX_BACKUP_BYTES, openBackup } from '../../control/backup.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { aesSealer } from '../../lib/sealer.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { openSqliteStore } from '../../store/sqlite-store.ts';
import { openAuditLog } from '../../telemetry/audit-log.ts';
import { fingerprint } from '../../x509/certificate.ts';
import { DATABASE_FILE, ensurePrivateDirectory, MASTER_KEY_FILE } from '../data-dir.ts';
import { type MasterKeySources, readMasterKey } from './master-key.ts';
import { storedRoot } from './open-authority.ts';

export interface RestoreRequest {
  /** Must not hold a mesh yet. */
  readonly dataDir: string;
  readonly file: Uint8Array;
  readonly passphrase: string;
  /** Of the new database; it need not be the one that the old was sealed with. */
  readonly masterKey: MasterKeySources;
  readonly rootNamespace: string;
  readonly clock: Clock;
}

export interface Restored {
  readonly trustDomain: string;
  /** When the backup was taken. */
  readonly createdAtMs: number;
  readonly resources: number;
  readonly rootFingerprint: string;
}

const STAGING = 'restoring';
const MICROSECONDS = 1_000;

/**
 * Makes the data directory of a control plane from a backup. It is there whole or not at all.
 *
 * @throws {MeshError} ERR_CONFLICT when there is a mesh already; what `openBackup` throws.
 */
export async function restoreBackup(request: RestoreRequest): Promise<Restored> {
  const { dataDir, masterKey } = request;
  const path = join(dataDir, DATABASE_FILE);
  if (existsSync(path)) throw occupied(dataDir);
  if (request.file.length > MAX_BACKUP_BYTES) {
    throw new MeshError('ERR_LIMIT', `a backup has at most ${MAX_BACKUP_BYTES} bytes`);
  }
  const backup = await openBackup(request.file, request.passphrase);
  ensurePrivateDirectory(dataDir);
  const own = { path: join(dataDir, MASTER_KEY_FILE), mayCreate: true };
  const sealer = aesSealer(readMasterKey(masterKey, own));
  const staging = join(dataDir, STAGING);
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { mode: 0o700 });
  try {
    const staged = join(staging, DATABASE_FILE);
    const rootFingerprint = await fill(staged, { backup, sealer, request });
    publish(staged, path, dataDir);
    recordRestore(backup, request);
    const { trustDomain, createdAtMs, resources } = backup;
    return { trustDomain, createdAtMs, resources: resources.length, rootFingerprint };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/**
 * Agents compare versions to know what they have. The old store went on after the backup, so the
 * new one starts above whatever it can have reached: at the microseconds since 1970.
 */
function firstVersion(backup: Backup, nowMs: number): number {
  return Math.max(backup.version, nowMs * MICROSECONDS);
}

async function fill(
  path: string,
  {
    backup,
    sealer,
    request,
  }: {
    readonly backup: Backup;
    readonly sealer: ReturnType<typeof aesSealer>;
    readonly request: RestoreRequest;
  },
): Promise<string> {
  const { clock, rootNamespace } = request;
  const afterVersion = firstVersion(backup, clock.now());
  const store = openSqliteStore({ path, clock, sealer, afterVersion });
  try {
    await store.commit(backup.resources.map((resource) => ({ op: 'put', resource })));
    const trustDomain = TrustDomain.parse(backup.trustDomain);
    const root = await storedRoot(store, { trustDomain, rootNamespace, clock });
    if (root !== undefined) return fingerprint(root);
    throw new MeshError('ERR_STORE', 'the backup holds no certificate authority');
  } finally {
    store.close();
  }
}

/** A link fails where a rename would replace what somebody else made meanwhile. */
function publish(staged: string, path: string, dataDir: string): void {
  try {
    linkSync(staged, path);
  } catch (cause) {
    if (existsSync(path)) throw occupied(dataDir);
    throw new MeshError('ERR_STORE', `cannot write "${path}": ${messageOf(cause)}`, { cause });
  }
  const directory = openSync(dataDir, 'r');
  fsyncSync(directory);
  closeSync(directory);
}

function recordRestore(backup: Backup, { dataDir, clock }: RestoreRequest): void {
  const audit = openAuditLog(join(dataDir, 'audit.log'), clock);
  audit.events.backupRestored({ resources: backup.resources.length, version: backup.version });
  audit.close();
}

function occupied(dataDir: string): MeshError {
  return new MeshError(
    'ERR_CONFLICT',
    `"${dataDir}" already holds a mesh with an authority of its own, which a restore would destroy; give an empty directory with --data-dir`,
  );
}
