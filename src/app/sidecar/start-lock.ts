import { join } from 'node:path';
import { MeshError } from '../../lib/errors.ts';
import { type FileLock, lockFile } from '../../lib/file-lock.ts';

/**
 * The right to start a sidecar on a state directory, held until it serves: from then on the next one takes over from
 * it. Two that started at once would both take over from the same one, or both enrol.
 *
 * @throws {MeshError} ERR_CONFLICT naming the process that is starting there.
 */
export function lockStart(stateDir: string): FileLock {
  const lock = lockFile(join(stateDir, 'start.lock'));
  if (!('heldBy' in lock)) return lock;
  const who = lock.heldBy === undefined ? 'another process' : `process ${lock.heldBy}`;
  throw new MeshError(
    'ERR_CONFLICT',
    `${who} is just starting a sidecar on the state directory "${stateDir}"; let it, and take over from it when it is ready, or give this one its own --state-dir`,
  );
}
