import { type KindDefinition, qualifiedKind } from '../resources/kind-definition.ts';
import type { KindRegistry } from '../resources/kind-registry.ts';
import { keyOf, qualify, type Resource } from '../resources/resource.ts';
import type { Store } from '../store/store.ts';
import { fieldIn } from './bodies/json-object.ts';

/** Kubernetes' name for what holds a CustomResourceDefinition until its resources are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** What a resource contains: a Namespace what is in it, a CustomResourceDefinition what is of its kind. */
type Container =
  | { readonly by: 'namespace'; readonly namespace: string }
  | { readonly by: 'kind'; readonly kind: string };

/** Undefined for what contains nothing. */
function containerOf(resource: Resource): Container | undefined {
  const { kind } = keyOf(resource);
  if (kind === 'Namespace') return { by: 'namespace', namespace: resource.metadata.name };
  if (kind !== 'CustomResourceDefinition.apiextensions.k8s.io') return undefined;
  const { group, names } = resource['spec'] as {
    readonly group: string;
    readonly names: { readonly kind: string };
  };
  return { by: 'kind', kind: qualify(names.kind, group) };
}

/** Whether resources are contained in this one, and go with it. */
export function isContainer(resource: Resource): boolean {
  return containerOf(resource) !== undefined;
}

/** Whether `other` is in `container`. */
export function contains(container: Resource, other: Resource): boolean {
  const of = containerOf(container);
  if (of === undefined) return false;
  if (of.by === 'namespace') return other.metadata.namespace === of.namespace;
  return keyOf(other).kind === of.kind;
}

/** All that is in `container`. */
export async function contentsOf(
  container: Resource,
  { store, kinds }: { readonly store: Pick<Store, 'list'>; readonly kinds: KindRegistry },
): Promise<readonly Resource[]> {
  const of = containerOf(container);
  if (of === undefined) return [];
  if (of.by === 'namespace') return listAll(store, storedKinds(kinds, true), of.namespace);
  // A definition that was refused the kind has no part in what is of it.
  const definition = kinds.byQualifiedKind(of.kind);
  const plural = fieldIn(fieldIn(container['spec'], 'names'), 'plural');
  if (definition !== undefined && definition.plural !== plural) return [];
  return (await store.list(of.kind)).items;
}

/** The kinds whose resources are in the store. */
export function storedKinds(
  { definitions }: KindRegistry,
  namespaced: boolean,
): readonly KindDefinition[] {
  const stored = definitions.filter(({ origin = 'store' }) => origin === 'store');
  return namespaced ? stored.filter((definition) => definition.namespaced) : stored;
}

export async function listAll(
  store: Pick<Store, 'list'>,
  kinds: readonly KindDefinition[],
  namespace: string | undefined,
): Promise<readonly Resource[]> {
  const lists = kinds.map((definition) => store.list(qualifiedKind(definition), namespace));
  return (await Promise.all(lists)).flatMap(({ items }) => items);
}

/** Whether a container was to be deleted and waits for nothing but its contents. */
export function waitsForContents({ metadata }: Resource): boolean {
  const { deletionTimestamp, finalizers = [] } = metadata;
  return (
    deletionTimestamp !== undefined &&
    finalizers.every((finalizer) => finalizer === CLEANUP_FINALIZER)
  );
}
