import { qualifiedKind } from '../resources/kind-definition.ts';
import { keyOf, keyText, type Resource } from '../resources/resource.ts';
import type { Change } from '../store/store.ts';
import type { ApiContext, WriteChange } from './api-context.ts';
import { committing, commitWrite, recordWrite, timestamp } from './commit-write.ts';
import { isJsonObject } from './json-object.ts';
import type { ResourceCall } from './resource-call.ts';
import type { WriteOptions } from './write-options.ts';

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
  await finishNamespaces(call, { deleted: plan.deleted, fieldManager }, context);
}

/** The objects and everything that goes with them, each once. */
async function withDependents(
  roots: readonly Resource[],
  orphan: boolean,
  context: ApiContext,
): Promise<readonly Resource[]> {
  const found = new Map(roots.map((resource) => [keyText(keyOf(resource)), resource]));
  const queue = [...roots];
  for (let owner = queue.shift(); owner !== undefined; owner = queue.shift()) {
    for (const item of await dependentsOf(owner, orphan, context)) {
      const key = keyText(keyOf(item));
      if (found.has(key)) continue;
      found.set(key, item);
      queue.push(item);
    }
  }
  return [...found.values()];
}

/** What is in a namespace, or is owned by an object. */
async function dependentsOf(
  owner: Resource,
  orphan: boolean,
  { store, kinds }: ApiContext,
): Promise<readonly Resource[]> {
  const isNamespace = owner.kind === 'Namespace' && owner.apiVersion === 'v1';
  if (orphan && !isNamespace) return [];
  const within = isNamespace ? owner.metadata.name : owner.metadata.namespace;
  const lists = kinds.definitions
    .filter(({ origin = 'store' }) => origin === 'store')
    .filter(({ namespaced }) => within === undefined || namespaced)
    .map((definition) => store.list(qualifiedKind(definition), within));
  const items = (await Promise.all(lists)).flatMap((list) => list.items);
  return isNamespace ? items : items.filter((item) => owns(owner, item));
}

function owns(owner: Resource, { metadata }: Resource): boolean {
  const { uid } = owner.metadata;
  return (metadata.ownerReferences ?? []).some(
    (reference) => isJsonObject(reference) && reference['uid'] === uid,
  );
}

function planDeletion(
  doomed: readonly Resource[],
  roots: readonly Resource[],
  now: string,
): { readonly changes: readonly Change[]; readonly deleted: readonly Resource[] } {
  const held = doomed.filter(({ metadata }) => (metadata.finalizers ?? []).length > 0);
  // A namespace waits for what is held back in it.
  const waits = (resource: Resource): boolean =>
    held.includes(resource) ||
    (resource.kind === 'Namespace' &&
      held.some(({ metadata }) => metadata.namespace === resource.metadata.name));
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
  if (resource.kind !== 'Namespace') return { ...resource, metadata };
  const status = isJsonObject(resource['status']) ? resource['status'] : {};
  return { ...resource, metadata, status: { ...status, phase: 'Terminating' } };
}

/** A namespace that waited for one of these goes when nothing is left in it. */
async function finishNamespaces(
  call: ResourceCall,
  {
    deleted,
    fieldManager,
  }: { readonly deleted: readonly Resource[]; readonly fieldManager: string },
  context: ApiContext,
): Promise<void> {
  const names = new Set(deleted.map(({ metadata }) => metadata.namespace));
  for (const name of names) {
    if (name === undefined) continue;
    const namespace = await context.store.get({ kind: 'Namespace', name });
    if (namespace === undefined || !isFinished(namespace)) continue;
    const inside = await withDependents([namespace], true, context);
    if (inside.length === 1) {
      await deleteAll(call, { roots: [namespace], fieldManager, orphan: true }, context);
    }
  }
}
