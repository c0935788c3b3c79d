import { join } from 'node:path';
import { MeshError } from '../../lib/errors.ts';
import { type FileLock, lockFile } from '../../lib/file-lock.ts';
import { holderText } from '../../lib/lock-holder.ts';

/**
 * The right to start a sidecar on a state directory, held until it serves: from then on the next one takes over from
 * it. Two that started at once would both take over from the same one, or both enrol.
 *
 * @throws {MeshError} ERR_CONFLICT naming the process that is starting there where the system tells, ERR_STORE when
 * nobody could have the lock.
 */
export function lockStart(stateDir: string): FileLock {
  const lock = lockFile(join(stateDir, 'start.lock'));
  if (!('heldBy' in lock)) return lock;
  throw new MeshError(
    'ERR_CONFLICT',
    `${holderText(lock.heldBy)} is just starting a sidecar on the state directory "${stateDir}"; let it, and take over from it when it is ready, or give this one its own --state-dir`,
  );
}
