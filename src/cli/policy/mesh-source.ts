import type { Command } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';
import { operatorCall } from '../../apiclient/operator-call.ts';
import { MeshError } from '../../lib/errors.ts';
import type { MeshSettings } from '../../policy/mesh-settings.ts';
import { type MeshInventory, meshInventory } from '../../policy/questions/mesh-inventory.ts';
import { withClient } from '../api-access.ts';
import { type AccessOptions, withAccess } from '../options.ts';
import { type LiveResources, liveResources } from './live-resources.ts';
import { policyResources } from './policy-files.ts';

/** Where a command finds the mesh that it is about. */
export interface MeshSourceOptions extends AccessOptions {
  readonly filename?: readonly string[];
  readonly namespace?: string;
  readonly trustDomain?: string;
  readonly rootNamespace?: string;
}

/** What a mesh has been founded with. */
type Founded = Partial<Pick<MeshSettings, 'trustDomain' | 'rootNamespace'>>;

/** Adds the flags that say where. */
export function withMeshSource(command: Command): Command {
  command
    .option(
      '-f, --filename <path>',
      'file or directory with the policies and what else of the mesh is known, - for standard input; may be repeated (default: ask the control plane)',
      collect,
    )
    .option('-n, --namespace <name>', 'namespace of documents that name none', 'default')
    .option('--trust-domain <name>', 'trust domain of the mesh')
    .option('--root-namespace <name>', 'namespace of mesh-wide policies');
  return withAccess(command);
}

/**
 * The mesh of the files that `options` name, or the one that runs.
 *
 * @throws {MeshError} ERR_USAGE for files that cannot be read; what the control plane says.
 */
export async function meshOf(options: MeshSourceOptions): Promise<MeshInventory> {
  const { filename = [], namespace = 'default' } = options;
  if (filename.length > 0) {
    return meshInventory(policyResources(filename, namespace), foundedBy(options));
  }
  const { resources, founded } = await liveMesh(options);
  return meshInventory(resources, { ...founded, ...foundedBy(options) });
}

/** The resources of the mesh that runs, and what it has been founded with. */
export async function liveMesh(
  options: AccessOptions,
): Promise<LiveResources & { readonly founded: Founded }> {
  return withClient(options, async (client) => {
    const [live, founded] = await Promise.all([liveResources(client), foundedOf(client)]);
    return { ...live, founded };
  });
}

/** An API server that is none of ours does not say; then Istio's defaults hold. */
async function foundedOf(client: ApiClient): Promise<Founded> {
  try {
    const { trustDomain } = await operatorCall<{ readonly trustDomain: string }>(client, {
      method: 'GET',
      path: '/v1/status',
    });
    return { trustDomain };
  } catch (error) {
    if (MeshError.is(error, 'ERR_NOT_FOUND')) return {};
    throw error;
  }
}

/** What the flags say that a mesh has been founded with. */
export function foundedBy({ trustDomain, rootNamespace }: MeshSourceOptions): Founded {
  return {
    ...(trustDomain === undefined ? {} : { trustDomain }),
    ...(rootNamespace === undefined ? {} : { rootNamespace }),
  };
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
