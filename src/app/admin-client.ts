import { join } from 'node:path';
import { callJsonSocket, type JsonCall } from '../lib/json-socket-call.ts';

/** Where the control plane of a data directory listens for its operator. */
export function adminSocketPath(dataDir: string): string {
  return join(dataDir, 'admin.sock');
}

/**
 * Asks the control plane that runs on `dataDir`.
 *
 * @throws {MeshError} ERR_UNREACHABLE when none runs there; else what it answered.
 */
export function callAdmin<T>(dataDir: string, call: JsonCall): Promise<T> {
  return callJsonSocket<T>(adminSocketPath(dataDir), call, (reason) =>
    reason === 'ENOENT' || reason === 'ECONNREFUSED'
      ? `no control plane runs on the data directory "${dataDir}"; start one with \`hauberk up\`, or name another with --data-dir`
      : `the control plane on "${dataDir}" cannot be asked: ${reason}`,
  );
}
