import { randomUUID } from 'node:crypto';
import { MeshError } from '../../lib/errors.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import { changesGeneration } from '../../store/plan-commit.ts';
import type { Change } from '../../store/store.ts';
import type { ApiContext, WriteChange } from '../api-context.ts';
import type { ApiRequest } from '../api-request.ts';
import type { ResourceCall } from '../resource-call.ts';
import { alreadyExists, conflict } from '../status-error.ts';
import type { WriteOptions } from './write-options.ts';

/** An object that is ready to be stored. */
export interface ReadyWrite {
  readonly resource: Resource;
  /** What it takes the place of. */
  readonly live: Resource | undefined;
  readonly options: WriteOptions;
  /** What is stored with it, all or nothing. */
  readonly companions?: readonly Resource[];
}

/**
 * Asks admission, then stores the object, unless it is a dry run or nothing would change.
 *
 * @throws {StatusError} Conflict or AlreadyExists when somebody was faster; what admission says.
 */
export async function commitWrite(
  call: ResourceCall,
  { resource, live, options, companions = [] }: ReadyWrite,
  context: ApiContext,
): Promise<Resource> {
  const { definition, request } = call;
  const review = { user: request.user, definition, resource, live, deletion: false };
  for (const check of context.admission) call.warnings.push(...(await check(review)));
  if (options.dryRun) return asIfStored(resource, live, context.clock.now());
  const expectVersion = live?.metadata.resourceVersion ?? '0';
  const puts: Change[] = [
    { op: 'put', resource, expectVersion },
    ...companions.map(
      (companion): Change => ({ op: 'put', resource: companion, expectVersion: '0' }),
    ),
  ];
  const [stored, ...others] = await committing(call, live, () => context.store.commit(puts));
  if (stored === undefined) return resource;
  const changes = [
    live === undefined ? createdChange(stored) : changeOf(stored, live),
    ...others.filter((other) => other !== undefined).map(createdChange),
  ].filter(({ fromVersion, toVersion }) => fromVersion !== toVersion);
  recordWrite({ request, fieldManager: options.fieldManager, changes }, context);
  return stored;
}

/** Runs a commit; what the store refuses becomes what Kubernetes says. */
export async function committing<T>(
  { what, target }: Pick<ResourceCall, 'what' | 'target'>,
  live: Resource | undefined,
  commit: () => Promise<T>,
): Promise<T> {
  try {
    return await commit();
  } catch (error) {
    const name = live?.metadata.name ?? target.name ?? '';
    if (!MeshError.is(error, 'ERR_CONFLICT') && !MeshError.is(error, 'ERR_NOT_FOUND')) throw error;
    throw live === undefined ? alreadyExists(what, nameIn(error) ?? name) : conflict(what, name);
  }
}

/** The store's own sentence begins with the place of the object. */
function nameIn({ message }: MeshError): string | undefined {
  return /^\S+\/(\S+) already exists/.exec(message)?.[1];
}

function changeOf(stored: Resource, live: Resource): WriteChange {
  const fromVersion = live.metadata.resourceVersion;
  return { ...createdChange(stored), action: 'configured', fromVersion };
}

/** For the audit log: an object that was not there before. */
export function createdChange(stored: Resource): WriteChange {
  return {
    key: keyOf(stored),
    action: 'created',
    fromVersion: undefined,
    toVersion: stored.metadata.resourceVersion ?? '',
  };
}

/** Tells the audit log, if anything has changed. */
export function recordWrite(
  {
    request,
    fieldManager,
    changes,
  }: {
    readonly request: ApiRequest;
    readonly fieldManager: string;
    readonly changes: readonly WriteChange[];
  },
  { written }: Pick<ApiContext, 'written'>,
): void {
  if (changes.length === 0) return;
  const { user, impersonatedBy, peerAddress, headers } = request;
  const userAgent = headers['user-agent'] ?? '';
  written({ user, impersonatedBy, peerAddress, userAgent, fieldManager, changes });
}

/** A dry run shows what the store would have given. */
function asIfStored(resource: Resource, live: Resource | undefined, nowMs: number): Resource {
  if (live !== undefined) {
    const { generation = 1 } = live.metadata;
    if (!changesGeneration(resource, live)) return resource;
    return { ...resource, metadata: { ...resource.metadata, generation: generation + 1 } };
  }
  return {
    ...resource,
    metadata: {
      ...resource.metadata,
      uid: randomUUID(),
      generation: 1,
      creationTimestamp: timestamp(nowMs),
    },
  };
}

/** metav1.Time: RFC 3339 in whole seconds. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
