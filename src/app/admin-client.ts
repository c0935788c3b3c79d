import { existsSync } from 'node:fs';
import type { ApiAccess } from '../apiclient/api-access.ts';
import { type ApiClient, apiClient } from '../apiclient/api-client.ts';
import { readKubeconfig } from '../apiclient/kubeconfig.ts';
import { type OperatorCall, operatorCall } from '../apiclient/operator-call.ts';
import { MeshError } from '../lib/errors.ts';
import { kubeconfigPath } from './data-dir.ts';

/**
 * How the administrator of a data directory reaches its control plane.
 *
 * @throws {MeshError} ERR_UNREACHABLE when none has run there.
 */
export function adminAccess(dataDir: string): ApiAccess {
  const path = kubeconfigPath(dataDir);
  if (existsSync(path)) return readKubeconfig({ paths: [path] });
  throw new MeshError(
    'ERR_UNREACHABLE',
    `no control plane runs on the data directory "${dataDir}"; start one with \`hauberk up\`, or name another with --data-dir or --kubeconfig`,
  );
}

/** A client of the control plane that runs on `dataDir`, as its administrator. */
export function adminClient(dataDir: string): ApiClient {
  return apiClient({ access: adminAccess(dataDir), userAgent: 'hauberk' });
}

/**
 * Asks the control plane that runs on `dataDir` one thing that no Kubernetes knows.
 *
 * @throws {MeshError} ERR_UNREACHABLE when none runs there; else what it answered.
 */
export async function callAdmin<T>(dataDir: string, call: OperatorCall): Promise<T> {
  const client = adminClient(dataDir);
  try {
    return await operatorCall<T>(client, call);
  } finally {
    client.close();
  }
}
