import { keyOf, keyText, type Resource } from '../../resources/resource.ts';
import type { Change } from '../../store/store.ts';
import type { ApiContext, WriteChange } from '../api-context.ts';
import { isJsonObject } from '../bodies/json-object.ts';
import {
  CLEANUP_FINALIZER,
  contains,
  contentsOf,
  isContainer,
  listAll,
  storedKinds,
  waitsForContents,
} from '../container.ts';
import type { ResourceCall } from '../resource-call.ts';
import { committing, commitWrite, createdChange, recordWrite, timestamp } from './commit-write.ts';
import { companionsOf, isCompanion } from './namespace-guard.ts';
import type { WriteOptions } from './write-options.ts';

const DEFINITIONS = 'CustomResourceDefinition.apiextensions.k8s.io';

/** Whether an object was to be deleted and nobody holds it back any more. */
export function isFinished({ metadata }: Resource): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0;
}

interface DeletionWrite {
  readonly live: Resource;
  /** As it was left by whoever removed the last finalizer. */
  readonly resource: Resource;
  readonly options: WriteOptions;
}

/** The last finalizer is gone: so is the object, and the namespace that waited for it. */
export async function finishDeletion(
  call: ResourceCall,
  { live, resource, options }: DeletionWrite,
  context: ApiContext,
): Promise<Resource> {
  if (options.dryRun) return commitWrite(call, { resource, live, options }, context);
  await deleteAll(
    call,
    { roots: [live], fieldManager: options.fieldManager, orphan: false },
    context,
  );
  return resource;
}

interface Deletion {
  readonly roots: readonly Resource[];
  readonly fieldManager: string;
  /** Whether what they own stays. */
  readonly orphan: boolean;
}

/**
 * Deletes objects with what they own and, of namespaces, what is in them: all of it in one commit. What
 * has finalizers is marked instead, and holds its namespace back.
 */
export async function deleteAll(
  call: ResourceCall,
  { roots, fieldManager, orphan }: Deletion,
  context: ApiContext,
): Promise<void> {
  const { store, clock } = context;
  const doomed = await withDependents(roots, orphan, context);
  const plan = planDeletion(doomed, roots, timestamp(clock.now()));
  const [first] = roots;
  await committing(call, first, () => store.commit(plan.changes));
  const version = String(store.version);
  const changes: WriteChange[] = plan.deleted.map((resource) => ({
    key: keyOf(resource),
    action: 'deleted',
    fromVersion: resource.metadata.resourceVersion,
    toVersion: version,
  }));
  recordWrite({ request: call.request, fieldManager, changes }, context);
  await restoreCompanions(call, { deleted: plan.deleted, fieldManager }, context);
  await finishContainers(call, { deleted: plan.deleted, fieldManager }, context);
}

/** What goes with every namespace is made anew where its namespace stays, with another uid. */
async function restoreCompanions(
  { request }: ResourceCall,
  {
    deleted,
    fieldManager,
  }: { readonly deleted: readonly Resource[]; readonly fieldManager: string },
  context: ApiContext,
): Promise<void> {
  for (const gone of deleted.filter(isCompanion)) {
    const home = await context.store.get({
      kind: 'Namespace',
      name: gone.metadata.namespace ?? '',
    });
    if (home === undefined || home.metadata.deletionTimestamp !== undefined) continue;
    const made = await context.store.commit(
      companionsOf(home).map((resource) => ({ op: 'put', resource, expectVersion: '0' })),
    );
    const changes = made.filter((resource) => resource !== undefined).map(createdChange);
    recordWrite({ request, fieldManager, changes }, context);
  }
}

/** The objects and everything that goes with them, each once. */
async function withDependents(
  roots: readonly Resource[],
  orphan: boolean,
  context: ApiContext,
): Promise<readonly Resource[]> {
  const found = new Map(roots.map((resource) => [keyText(keyOf(resource)), resource]));
  const owned = orphan ? undefined : await ownedObjects(context);
  const queue = [...roots];
  for (let owner = queue.shift(); owner !== undefined; owner = queue.shift()) {
    const inside = await contentsOf(owner, context);
    for (const item of [...inside, ...(owned?.(owner) ?? [])]) {
      const key = keyText(keyOf(item));
      if (found.has(key)) continue;
      found.set(key, item);
      queue.push(item);
    }
  }
  return [...found.values()];
}

/** Looks up what an object owns: in its own namespace, or anywhere when it is in none. */
async function ownedObjects({
  store,
  kinds,
}: ApiContext): Promise<(owner: Resource) => readonly Resource[]> {
  const byOwner = new Map<unknown, Resource[]>();
  for (const item of await listAll(store, storedKinds(kinds, false), undefined)) {
    for (const reference of item.metadata.ownerReferences ?? []) {
      const uid = isJsonObject(reference) ? reference['uid'] : undefined;
      byOwner.set(uid, [...(byOwner.get(uid) ?? []), item]);
    }
  }
  return ({ metadata: { uid, namespace } }) =>
    (byOwner.get(uid) ?? []).filter(
      (item) => namespace === undefined || item.metadata.namespace === namespace,
    );
}

function planDeletion(
  doomed: readonly Resource[],
  roots: readonly Resource[],
  now: string,
): { readonly changes: readonly Change[]; readonly deleted: readonly Resource[] } {
  const held = doomed.filter(({ metadata }) => (metadata.finalizers ?? []).length > 0);
  // A namespace waits for what is held back in it, a definition for what is held back of its kind.
  const waits = (resource: Resource): boolean =>
    held.includes(resource) || held.some((other) => contains(resource, other));
  const deleted = doomed.filter((resource) => !waits(resource) || isReleased(resource, roots));
  const marked = doomed.filter((resource) => !deleted.includes(resource));
  return {
    deleted,
    changes: [
      ...marked
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map(
          (resource): Change => ({
            op: 'put',
            resource: markedDeleted(resource, now),
            expectVersion: resource.metadata.resourceVersion ?? '0',
          }),
        ),
      ...deleted.map(
        (resource): Change => ({
          op: 'delete',
          key: keyOf(resource),
          expectVersion: resource.metadata.resourceVersion ?? '0',
        }),
      ),
    ],
  };
}

/** The root whose last finalizer is being removed by this very write still has it in the store. */
function isReleased(resource: Resource, roots: readonly Resource[]): boolean {
  return roots.includes(resource) && resource.metadata.deletionTimestamp !== undefined;
}

function markedDeleted(resource: Resource, now: string): Resource {
  const metadata = {
    ...resource.metadata,
    deletionTimestamp: now,
    deletionGracePeriodSeconds: 0,
  };
  if (!isContainer(resource)) return { ...resource, metadata };
  if (resource.kind !== 'Namespace') {
    const finalizers = [...new Set([...(metadata.finalizers ?? []), CLEANUP_FINALIZER])];
    return { ...resource, metadata: { ...metadata, finalizers } };
  }
  const status = isJsonObject(resource['status']) ? resource['status'] : {};
  return { ...resource, metadata, status: { ...status, phase: 'Terminating' } };
}

/** What waited for one of these, a namespace or a definition, goes when nothing is left in it. */
async function finishContainers(
  call: ResourceCall,
  {
    deleted,
    fieldManager,
  }: { readonly deleted: readonly Resource[]; readonly fieldManager: string },
  context: ApiContext,
): Promise<void> {
  const { store, kinds } = context;
  const definitions = (await store.list(DEFINITIONS)).items;
  const namespaces = (await store.list('Namespace')).items;
  for (const container of [...definitions, ...namespaces].filter(waitsForContents)) {
    if (!deleted.some((one) => contains(container, one))) continue;
    if ((await contentsOf(container, { store, kinds })).length > 0) continue;
    await deleteAll(call, { roots: [container], fieldManager, orphan: true }, context);
  }
}
