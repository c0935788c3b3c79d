import type { Command } from 'commander';
import { MeshError } from '../lib/errors.ts';
import { type MeshInventory, meshInventory } from '../policy/mesh-inventory.ts';
import { policyResources } from './policy-files.ts';

/** Where a command finds the mesh that it is about. */
export interface MeshSourceOptions {
  readonly filename?: readonly string[];
  readonly namespace?: string;
  readonly trustDomain?: string;
  readonly rootNamespace?: string;
  readonly dataDir?: string;
}

/** Adds the flags that say where. */
export function withMeshSource(command: Command): Command {
  return command
    .option(
      '-f, --filename <path>',
      'file or directory with policies and what else of the mesh is known, - for standard input; may be repeated',
      collect,
    )
    .option('-n, --namespace <name>', 'namespace of documents that name none', 'default')
    .option('--trust-domain <name>', 'trust domain of the mesh (default: cluster.local)')
    .option('--root-namespace <name>', 'namespace of mesh-wide policies (default: istio-system)');
}

/**
 * The mesh of the files that `options` name.
 *
 * @throws {MeshError} ERR_USAGE for files that cannot be read.
 */
export async function meshOf(options: MeshSourceOptions): Promise<MeshInventory> {
  const { filename = [], namespace = 'default', trustDomain, rootNamespace } = options;
  if (filename.length === 0) {
    throw new MeshError('ERR_USAGE', 'name the policies with -f');
  }
  return meshInventory(policyResources(filename, namespace), {
    ...(trustDomain === undefined ? {} : { trustDomain }),
    ...(rootNamespace === undefined ? {} : { rootNamespace }),
  });
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
