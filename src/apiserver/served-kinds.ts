import type { KindDefinition, Verb } from '../resources/kind-definition.ts';
import { verbsOf } from '../resources/kind-definition.ts';
import type { KindRegistry } from '../resources/kind-registry.ts';
import { byPriority } from './version-order.ts';

/** A group and the versions in which its kinds are served. */
export interface ServedGroup {
  readonly group: string;
  /** The preferred one first. */
  readonly versions: readonly string[];
}

/** All groups by name, the core group first. */
export function servedGroups({ definitions }: KindRegistry): readonly ServedGroup[] {
  const groups = new Map<string, Set<string>>();
  for (const { group, versions } of definitions) {
    groups.set(group, (groups.get(group) ?? new Set()).union(new Set(versions)));
  }
  return [...groups]
    .map(([group, versions]) => ({ group, versions: [...versions].toSorted(byPriority) }))
    .toSorted((a, b) => (a.group < b.group ? -1 : 1));
}

/** The kinds of one version of a group, by plural. */
export function kindsServed(
  { definitions }: KindRegistry,
  { group, version }: { readonly group: string; readonly version: string },
): readonly KindDefinition[] {
  return definitions
    .filter((definition) => definition.group === group && definition.versions.includes(version))
    .toSorted((a, b) => (a.plural < b.plural ? -1 : 1));
}

export function apiVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** What is served below the path of a resource. */
export interface ServedSubresource {
  readonly name: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly Verb[];
}

export function subresourcesOf(
  definition: KindDefinition,
  version: string,
): readonly ServedSubresource[] {
  const { group, kind, subresources = {} } = definition;
  const own = { group, version, kind };
  const served: ServedSubresource[] = [];
  if (subresources.log) served.push({ name: 'log', kind: own, verbs: ['get'] });
  if (subresources.scale !== undefined) {
    const scale = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    const writes = verbsOf(definition).includes('update');
    served.push({
      name: 'scale',
      kind: scale,
      verbs: writes ? ['get', 'patch', 'update'] : ['get'],
    });
  }
  if (subresources.status && verbsOf(definition).includes('update')) {
    served.push({ name: 'status', kind: own, verbs: ['get', 'patch', 'update'] });
  }
  if (subresources.token) {
    const token = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
    served.push({ name: 'token', kind: token, verbs: ['create'] });
  }
  return served;
}
