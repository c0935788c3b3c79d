import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { ApiAccess } from '../apiclient/api-access.ts';
import { type ApiClient, apiClient } from '../apiclient/api-client.ts';
import { readKubeconfig } from '../apiclient/kubeconfig.ts';
import { type OperatorCall, operatorCall } from '../apiclient/operator-call.ts';
import { adminAccess } from '../app/admin-client.ts';
import { MeshError } from '../lib/errors.ts';
import { packageVersion } from '../lib/package-version.ts';
import { type AccessOptions, dataDirOf } from './options.ts';
import { progressOn } from './progress.ts';

/** So long people wait without a word. */
const LONG_MS = 2_000;

/**
 * Which API server is meant, the most explicit first: --kubeconfig, --data-dir, HAUBERK_DATA_DIR,
 * KUBECONFIG, the default data directory, ~/.kube/config.
 *
 * @throws {MeshError} ERR_UNREACHABLE or ERR_USAGE saying what to do.
 */
function accessOf(options: AccessOptions): ApiAccess {
  return { ...chosen(options), ...actingAs(options) };
}

function chosen(options: AccessOptions): ApiAccess {
  const { kubeconfig, context } = options;
  const named = (paths: readonly string[]) => readKubeconfig({ paths, context });
  if (kubeconfig !== undefined) return named([kubeconfig]);
  if (options.dataDir !== undefined || process.env['HAUBERK_DATA_DIR'] !== undefined) {
    return adminAccess(dataDirOf(options));
  }
  const fromEnvironment = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter(Boolean);
  // As for kubectl, those that are not there do not count, as long as one is.
  const present = fromEnvironment.filter((path) => existsSync(path));
  if (fromEnvironment.length > 0) return named(present.length > 0 ? present : fromEnvironment);
  const kubernetes = join(homedir(), '.kube', 'config');
  try {
    return adminAccess(dataDirOf(options));
  } catch (error) {
    if (MeshError.is(error, 'ERR_UNREACHABLE') && existsSync(kubernetes))
      return named([kubernetes]);
    throw error;
  }
}

function actingAs({ as: user, asGroup = [] }: AccessOptions): Partial<ApiAccess> {
  if (user !== undefined) return { impersonate: { user, groups: asGroup } };
  if (asGroup.length === 0) return {};
  throw new MeshError('ERR_USAGE', '--as-group goes with --as');
}

/** A client of the API server that the options mean; warnings of the server go to standard error. */
export function clientOf(options: AccessOptions, { quiet = false } = {}): ApiClient {
  return apiClient({
    access: accessOf(options),
    userAgent: `hauberk/${packageVersion()}`,
    warned: (text) => {
      if (!quiet) process.stderr.write(`Warning: ${text}\n`);
    },
  });
}

/** Does `work` with a client and closes it. */
export async function withClient<T>(
  options: AccessOptions,
  work: (client: ApiClient) => Promise<T>,
): Promise<T> {
  const client = clientOf(options);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** Asks the control plane that the options mean one thing that no Kubernetes knows. */
export function askPlane<T>(options: AccessOptions, call: OperatorCall): Promise<T> {
  return withClient(options, (client) => patiently(() => operatorCall<T>(client, call)));
}

/** Does `work`, which prints nothing, and says that it is waited for when it takes long. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const progress = progressOn(process.stderr, { afterMs: LONG_MS });
  progress.show('waiting for the server');
  try {
    return await work();
  } finally {
    progress.clear();
  }
}
