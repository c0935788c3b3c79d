import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { MeshError } from '../lib/errors.ts';
import { keyOf, keyText, type Resource, type ResourceKey } from '../resources/resource.ts';
import { parseFrozen } from './frozen-resource.ts';
import { type LogEntry, placeOf } from './journal.ts';
import type { Change } from './store.ts';

/** The largest object that is stored, in bytes of JSON: as much as etcd takes for Kubernetes. */
export const MAX_OBJECT_BYTES = 1_572_864;

/** What a plan starts from. */
export interface CommitBase {
  get(key: ResourceKey): Resource | undefined;
  readonly version: number;
  readonly nowMs: number;
}

/** What a commit will answer, and what it will write: nothing when all was as wished already. */
export interface CommitPlan {
  readonly results: readonly (Resource | undefined)[];
  readonly entries: readonly LogEntry[];
}

/**
 * Checks all changes against `base` and assigns metadata, without doing anything yet.
 *
 * @throws {MeshError} as `Store.commit` does.
 */
export function planCommit(changes: readonly Change[], base: CommitBase): CommitPlan {
  const results: (Resource | undefined)[] = [];
  const entries: LogEntry[] = [];
  const seen = new Set<string>();
  for (const change of changes) {
    const key = change.op === 'put' ? keyOf(change.resource) : change.key;
    const name = keyText(key);
    if (seen.has(placeOf(key))) {
      throw new MeshError('ERR_USAGE', `one commit changes ${name} twice; send one change of it`);
    }
    seen.add(placeOf(key));
    const current = base.get(key);
    checkExpectation(change, current, name);
    const version = base.version + entries.length + 1;
    const entry = planChange(change, { key, current, version, nowMs: base.nowMs });
    if (entry !== undefined) entries.push(entry);
    results.push(change.op === 'put' ? (entry?.stored.resource ?? current) : undefined);
  }
  return { results, entries };
}

function checkExpectation(change: Change, current: Resource | undefined, name: string): void {
  const { expectVersion } = change;
  const stored = current?.metadata.resourceVersion;
  if (stored === undefined) {
    if (change.op === 'delete') throw new MeshError('ERR_NOT_FOUND', `${name} does not exist`);
    if (expectVersion === undefined || expectVersion === '0') return;
    throw new MeshError(
      'ERR_NOT_FOUND',
      `${name} does not exist, so it is not at version "${expectVersion}"; it was deleted meanwhile`,
    );
  }
  if (expectVersion === undefined || expectVersion === stored) return;
  throw new MeshError(
    'ERR_CONFLICT',
    expectVersion === '0'
      ? `${name} already exists, at version "${stored}"`
      : `${name} is at version "${stored}", not "${expectVersion}"; read it again and repeat the change`,
  );
}

interface Target {
  readonly key: ResourceKey;
  readonly current: Resource | undefined;
  readonly version: number;
  readonly nowMs: number;
}

function planChange(change: Change, target: Target): LogEntry | undefined {
  const { key, current, version, nowMs } = target;
  const resource =
    change.op === 'put' ? nextState(change.resource, target) : atVersion(current, version);
  if (resource === undefined) return undefined;
  const added = current === undefined ? 'ADDED' : 'MODIFIED';
  const type = change.op === 'put' ? added : 'DELETED';
  return { key, stored: Object.freeze({ version, atMs: nowMs, type, resource }) };
}

/** The object to store, or undefined when it is stored like that already. */
function nextState(
  wished: Resource,
  { key, current, version, nowMs }: Target,
): Resource | undefined {
  const assigned = {
    uid: current?.metadata.uid ?? randomUUID(),
    resourceVersion: current?.metadata.resourceVersion ?? String(version),
    generation: current?.metadata.generation ?? 1,
    creationTimestamp: current?.metadata.creationTimestamp ?? timestamp(nowMs),
  };
  const json = JSON.stringify({ ...wished, metadata: { ...wished.metadata, ...assigned } });
  if (Buffer.byteLength(json) > MAX_OBJECT_BYTES) {
    throw new MeshError(
      'ERR_LIMIT',
      `${keyText(key)} has ${Buffer.byteLength(json)} bytes of JSON; an object may have ${MAX_OBJECT_BYTES}`,
    );
  }
  const next = parseFrozen(json);
  if (current === undefined) return next;
  if (isDeepStrictEqual(next, current)) return undefined;
  return atVersion(next, version, assigned.generation + (changesGeneration(next, current) ? 1 : 0));
}

/** Whether `next` in the place of `current` counts as another generation: more than metadata or status differ. */
export function changesGeneration(next: Resource, current: Resource): boolean {
  return !isDeepStrictEqual(declared(next), declared(current));
}

function atVersion(
  resource: Resource | undefined,
  version: number,
  generation: number | undefined = resource?.metadata.generation,
): Resource | undefined {
  if (resource === undefined) return undefined;
  const metadata = { ...resource.metadata, resourceVersion: String(version) };
  // Everything below these two levels is frozen already.
  return Object.freeze({
    ...resource,
    metadata: Object.freeze(generation === undefined ? metadata : { ...metadata, generation }),
  });
}

function declared({ metadata: _, status: __, ...rest }: Resource): object {
  return rest;
}

/** Kubernetes' metav1.Time: RFC 3339 in whole seconds. */
function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
