import type { Json } from '../../resources/json-tree.ts';
import { type KindDefinition, verbsOf } from '../../resources/kind-definition.ts';
import type { KindRegistry } from '../../resources/kind-registry.ts';
import type { JsonObject } from '../bodies/json-object.ts';
import { apiVersionOf, kindsServed, servedGroups, subresourcesOf } from '../served-kinds.ts';

/** `/api` or `/apis` in the aggregated form, which says everything at once. */
export function aggregatedDiscovery(
  kinds: KindRegistry,
  { core, version }: { readonly core: boolean; readonly version: 'v2' | 'v2beta1' },
): JsonObject {
  const groups = servedGroups(kinds).filter(({ group }) => (group === '') === core);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: versions.map((served) => ({
        version: served,
        freshness: 'Current',
        resources: kindsServed(kinds, { group, version: served }).map((definition) =>
          aggregatedResource(definition, served),
        ),
      })),
    })),
  };
}

function aggregatedResource(definition: KindDefinition, version: string): Json {
  const { group, kind, plural, singular, namespaced, shortNames, categories } = definition;
  const subresources = subresourcesOf(definition, version);
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: [...verbsOf(definition)],
    ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
    ...(categories.length === 0 ? {} : { categories: [...categories] }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map(({ name, kind: responseKind, verbs }) => ({
            subresource: name,
            responseKind: { ...responseKind },
            verbs: [...verbs],
          })),
        }),
  };
}

/** `/api` in the old form. */
export function coreVersions(serverAddress: string): JsonObject {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

/** `/apis` in the old form. */
export function groupList(kinds: KindRegistry): JsonObject {
  const groups = servedGroups(kinds).filter(({ group }) => group !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupEntry) };
}

/** `/apis/<group>`; undefined where there is no such group. */
export function groupDocument(kinds: KindRegistry, name: string): JsonObject | undefined {
  const served = servedGroups(kinds).find(({ group }) => group === name);
  if (name === '' || served === undefined) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(served) };
}

function groupEntry({
  group,
  versions,
}: {
  group: string;
  versions: readonly string[];
}): JsonObject {
  const entries = versions.map((version) => ({
    groupVersion: apiVersionOf(group, version),
    version,
  }));
  return { name: group, versions: entries, preferredVersion: entries[0] ?? null };
}

/** `/api/v1` or `/apis/<group>/<version>`; undefined where nothing is served in it. */
export function resourceList(
  kinds: KindRegistry,
  at: { readonly group: string; readonly version: string },
): JsonObject | undefined {
  const definitions = kindsServed(kinds, at);
  if (definitions.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(at.group, at.version),
    resources: definitions.flatMap((definition) => resourceEntries(definition, at.version)),
  };
}

function resourceEntries(definition: KindDefinition, version: string): readonly JsonObject[] {
  const { kind, plural, singular, namespaced, shortNames, categories } = definition;
  const own = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: [...verbsOf(definition)],
    ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
    ...(categories.length === 0 ? {} : { categories: [...categories] }),
  };
  const below = subresourcesOf(definition, version).map((subresource) => ({
    name: `${plural}/${subresource.name}`,
    singularName: '',
    namespaced,
    ...subresource.kind,
    verbs: [...subresource.verbs],
  }));
  return [own, ...below];
}
