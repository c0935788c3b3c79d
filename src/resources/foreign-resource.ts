import { isPlainObject, type Json } from './json-tree.ts';
import type { KindRegistry } from './kind-registry.ts';
import { groupOf, type Resource } from './resource.ts';

/** Kinds of groups that are served here, which Kubernetes or Istio have beside ours. */
const BESIDE_OURS: Readonly<Record<string, readonly string[]>> = {
  '': [
    'LimitRange',
    'Node',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'PodTemplate',
    'ReplicationController',
    'ResourceQuota',
  ],
  apps: ['ControllerRevision', 'DaemonSet', 'ReplicaSet', 'StatefulSet'],
  'networking.istio.io': ['EnvoyFilter', 'ProxyConfig'],
  'extensions.istio.io': ['WasmPlugin'],
};

/**
 * A resource of a kind that is none of ours: of another API, or one that Kubernetes or Istio have and
 * Hauberk does not. Undefined for what is meant to be one of ours, and for what has no name.
 */
export function foreignResource(
  value: Json,
  kinds: KindRegistry,
  defaultNamespace: string,
): Resource | undefined {
  if (!isPlainObject(value)) return undefined;
  const { apiVersion, kind, metadata, ...fields } = value as Readonly<Record<string, Json>>;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
  if (!isPlainObject(metadata) || !isForeign(apiVersion, kind, kinds)) return undefined;
  const { name, namespace } = metadata;
  if (typeof name !== 'string' || name === '') return undefined;
  const place = typeof namespace === 'string' && namespace !== '' ? namespace : defaultNamespace;
  const labels = textsOf(metadata['labels']);
  const annotations = textsOf(metadata['annotations']);
  return { ...fields, apiVersion, kind, metadata: { name, namespace: place, labels, annotations } };
}

function isForeign(apiVersion: string, kind: string, kinds: KindRegistry): boolean {
  const group = groupOf(apiVersion);
  if (kinds.kindOf({ apiVersion, kind }) !== undefined) return false;
  if (BESIDE_OURS[group]?.includes(kind) === true) return true;
  if (kinds.definitions.some((definition) => definition.group === group)) return false;
  // the name of a kind of ours in another group is hardly another's, but for Kubernetes' own
  return group.endsWith('.k8s.io') || kinds.named(kind)?.kind !== kind;
}

function textsOf(value: Json | undefined): Readonly<Record<string, string>> {
  if (!isPlainObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}
