import type { Discovery } from '../../apiclient/discovery.ts';
import { manifestObjects } from '../../apiclient/manifest-objects.ts';
import { placed } from '../../apiclient/placed.ts';
import { manifestTexts } from './manifest-files.ts';
import type { ResourceTarget } from './resource-arguments.ts';

/** One object that a manifest names. */
export interface ManifestTarget extends ResourceTarget {
  readonly name: string;
  readonly namespace: string | undefined;
}

/** The objects that the manifests of `-f` name, in their order. */
export function manifestTargets(
  files: readonly string[],
  {
    discovery,
    namespace,
    recursive = false,
  }: {
    readonly discovery: Discovery;
    /** For those that name none. */
    readonly namespace: string | undefined;
    readonly recursive?: boolean | undefined;
  },
): readonly ManifestTarget[] {
  return manifestTexts(files, { recursive })
    .flatMap(manifestObjects)
    .map(({ object }) => {
      const resource = discovery.kindOf(object) ?? discovery.require(object.kind);
      const { metadata } = placed(object, resource, namespace);
      return { resource, name: metadata.name, namespace: metadata.namespace };
    });
}
