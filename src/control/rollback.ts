import { isDeepStrictEqual } from 'node:util';
import type { AdmissionCheck } from '../apiserver/api-context.ts';
import type { UserInfo } from '../apiserver/rights/user-info.ts';
import { MeshError } from '../lib/errors.ts';
import { byPrecedence } from '../resources/custom/by-precedence.ts';
import { customKinds } from '../resources/custom/custom-kinds.ts';
import { type KindDefinition, verbsOf } from '../resources/kind-definition.ts';
import { KindRegistry } from '../resources/kind-registry.ts';
import type { CustomResourceDefinition } from '../resources/kinds/custom-resource-definition.ts';
import { keyOf, keyText, type Resource, type ResourceKey } from '../resources/resource.ts';
import { validateResource } from '../resources/validate-resource.ts';
import type { Change, Store, StoredVersion } from '../store/store.ts';
import type { ControlEvents, ResourceChange } from './control-events.ts';
import { DEFINITION_KIND } from './defined-kinds.ts';

export interface RollbackParts {
  readonly store: Store;
  /** Those that are served, people's own among them. */
  readonly kinds: KindRegistry;
  /** What is asked beyond the rules of the kinds, as of every other write. */
  readonly admission: readonly AdmissionCheck[];
  readonly events: Pick<ControlEvents, 'resourcesChanged'>;
}

/** Who goes back. */
export interface RollbackCaller {
  readonly user: UserInfo;
  /** For the record. */
  readonly actor: string;
}

export interface RollbackAnswer {
  readonly changes: readonly ResourceChange[];
}

/** Secrets that are the control plane's own: an older one would not fit what it has given out since. */
const OWN_SECRETS = /^(?:istio\.io|hauberk\.dev|security\.hauberk\.dev)\//;

/**
 * Makes an object what it was at `version`, or before its last change: a new version with the old contents.
 * What it was deleted at is undone the same way.
 *
 * @throws {MeshError} ERR_NOT_FOUND when that version is not known; ERR_FORBIDDEN for what people cannot
 *   write; ERR_RESOURCE when it would not be valid today; ERR_CONFLICT when somebody writes meanwhile.
 */
export async function rollBack(
  target: {
    readonly key: ResourceKey;
    readonly definition: KindDefinition;
    readonly version: string | undefined;
  },
  parts: RollbackParts & { readonly caller: RollbackCaller },
): Promise<RollbackAnswer> {
  const { key, definition, version } = target;
  if (definition.writtenBy !== undefined || !verbsOf(definition).includes('update')) {
    throw new MeshError(
      'ERR_FORBIDDEN',
      `${definition.kind} objects cannot be rolled back: nobody writes them but the control plane`,
    );
  }
  const history = await parts.store.history(key);
  const wanted =
    version === undefined
      ? before(history)
      : history.find((one) => String(one.version) === version);
  if (wanted === undefined) {
    const range =
      history.length === 0
        ? 'nothing is known of it'
        : `known are ${history.map((one) => one.version).join(', ')}`;
    throw new MeshError(
      'ERR_NOT_FOUND',
      `${keyText(key)} has no ${version === undefined ? 'earlier version' : `version "${version}"`}; ${range}`,
    );
  }
  if (OWN_SECRETS.test(String(wanted.resource['type'] ?? ''))) {
    throw new MeshError(
      'ERR_FORBIDDEN',
      `${keyText(key)} is the control plane's own; use hauberk ca restore`,
    );
  }
  const live = await parts.store.get(key);
  await requireNamespace(key, parts.store);
  const state = wanted.type === 'DELETED' ? undefined : wanted.resource;
  return commit([{ key, live, state }], parts);
}

/** What it was before its last change: of a deleted one, its last state. */
function before(history: readonly StoredVersion[]): StoredVersion | undefined {
  return history.at(-2);
}

async function requireNamespace({ namespace, ...key }: ResourceKey, store: Store): Promise<void> {
  if (namespace === undefined) return;
  if ((await store.get({ kind: 'Namespace', name: namespace })) !== undefined) return;
  throw new MeshError(
    'ERR_NOT_FOUND',
    `namespace "${namespace}" does not exist; roll it back before ${key.kind} "${key.name}"`,
  );
}

/**
 * Makes everything that people declare what it was at a time, in one commit: what was made since goes, what
 * was deleted comes back. Secrets, and what the control plane writes itself, stay as they are.
 *
 * @throws {MeshError} ERR_GONE when the history of an object does not reach back so far.
 */
export async function rollBackAll(
  { toMs, dryRun }: { readonly toMs: number; readonly dryRun: boolean },
  parts: RollbackParts & { readonly caller: RollbackCaller },
): Promise<RollbackAnswer & { readonly dryRun: boolean }> {
  const { store } = parts;
  const steps: Step[] = [];
  const keys = await store.knownKeys();
  const then = await kindsAt(toMs, keys, parts);
  for (const key of keys) {
    const definition = then.byQualifiedKind(key.kind) ?? parts.kinds.byQualifiedKind(key.kind);
    if (definition === undefined || !isDeclared(definition)) continue;
    const history = await store.history(key);
    steps.push({ key, live: await store.get(key), state: stateAt(key, history, toMs) });
  }
  const changed = steps.filter(({ live, state }) => differs(live, state));
  if (!dryRun) return { ...(await commit(changed, { ...parts, kinds: then })), dryRun };
  return { changes: changed.map(wouldBe), dryRun };
}

/** What was served then: what is of a kind that is defined no more comes back with its definition. */
async function kindsAt(
  toMs: number,
  keys: readonly ResourceKey[],
  { store, kinds }: RollbackParts,
): Promise<KindRegistry> {
  const registry = new KindRegistry(kinds.builtIns);
  const definitions: CustomResourceDefinition[] = [];
  for (const key of keys.filter(({ kind }) => kind === DEFINITION_KIND)) {
    const state = stateAt(key, await store.history(key), toMs);
    if (state !== undefined) definitions.push(state as CustomResourceDefinition);
  }
  registry.define(customKinds(definitions.toSorted(byPrecedence), kinds.builtIns).kinds);
  return registry;
}

function isDeclared(definition: KindDefinition): boolean {
  const { writtenBy, confidential, passing = false, origin = 'store' } = definition;
  return (
    writtenBy === undefined &&
    !confidential &&
    !passing &&
    origin === 'store' &&
    verbsOf(definition).includes('update')
  );
}

interface Step {
  readonly key: ResourceKey;
  readonly live: Resource | undefined;
  /** What it is to be; undefined for gone. */
  readonly state: Resource | undefined;
}

function stateAt(
  key: ResourceKey,
  history: readonly StoredVersion[],
  toMs: number,
): Resource | undefined {
  const last = history.findLast(({ atMs }) => atMs <= toMs);
  if (last !== undefined) return last.type === 'DELETED' ? undefined : last.resource;
  const [first] = history;
  if (first === undefined || first.type === 'ADDED') return undefined;
  throw new MeshError(
    'ERR_GONE',
    `the history of ${keyText(key)} begins at ${new Date(first.atMs).toISOString()}; it cannot be said what it was before`,
  );
}

function differs(live: Resource | undefined, state: Resource | undefined): boolean {
  if (live === undefined || state === undefined) return live !== state;
  return !isDeepStrictEqual(contents(live), contents(state));
}

/** What people declare: neither the server's metadata nor the status. */
function contents({ status: _, metadata, ...rest }: Resource): object {
  const { name, namespace, labels, annotations, finalizers, ownerReferences } = metadata;
  return {
    ...rest,
    metadata: { name, namespace, labels, annotations, finalizers, ownerReferences },
  };
}

function wouldBe({ key, live, state }: Step): ResourceChange {
  const action = state === undefined ? 'deleted' : live === undefined ? 'created' : 'configured';
  return { key, action, resourceVersion: live?.metadata.resourceVersion ?? '' };
}

async function commit(
  steps: readonly Step[],
  parts: RollbackParts & { readonly caller: RollbackCaller },
): Promise<RollbackAnswer> {
  const { store, events, kinds, caller } = parts;
  const needed = steps.filter(({ live, state }) => differs(live, state));
  const wanted = needed.map((step) => changeOf(step, kinds));
  for (const [index, step] of needed.entries()) await review(step, wanted[index], parts);
  const stored = await store.commit(wanted);
  const changes = needed.map((step, index): ResourceChange => {
    const { live } = step;
    const resourceVersion = stored[index]?.metadata.resourceVersion ?? String(store.version);
    const fromVersion = live?.metadata.resourceVersion;
    return { ...wouldBe(step), resourceVersion, ...(fromVersion && { fromVersion }) };
  });
  if (changes.length > 0) {
    events.resourcesChanged({ actor: caller.actor, request: { by: 'rollback' }, changes });
  }
  return { changes };
}

/** @throws {StatusError} what admission says to the caller who writes that. */
async function review(
  { key, live }: Step,
  change: Change | undefined,
  { kinds, admission, caller }: RollbackParts & { readonly caller: RollbackCaller },
): Promise<void> {
  const definition = kinds.byQualifiedKind(key.kind);
  const deletion = change?.op === 'delete';
  const resource = change?.op === 'put' ? change.resource : live;
  if (definition === undefined || resource === undefined) return;
  const { user } = caller;
  for (const check of admission) await check({ user, definition, resource, live, deletion });
}

function changeOf({ key, live, state }: Step, kinds: KindRegistry): Change {
  const expectVersion = live?.metadata.resourceVersion ?? '0';
  if (state === undefined) return { op: 'delete', key, expectVersion };
  const {
    uid: _,
    resourceVersion: __,
    generation: ___,
    creationTimestamp: ____,
    deletionTimestamp: _____,
    ...metadata
  } = state.metadata;
  const { status: ______, ...rest } = state;
  const status = live?.['status'];
  const wanted = { ...rest, metadata, ...(status === undefined ? {} : { status }) };
  const validated = validateResource(wanted, { kinds });
  if ('problems' in validated) {
    const [problem] = validated.problems;
    throw new MeshError(
      'ERR_RESOURCE',
      `${keyText(keyOf(state))} of then is not valid today: ${problem?.field} ${problem?.message}`,
    );
  }
  return { op: 'put', resource: validated.resource, expectVersion };
}
