import type { ApiClient } from './api-client.ts';
import { ApiError } from './api-error.ts';
import type { ApiObject } from './api-object.ts';
import { type ApiResource, pathOf } from './discovery.ts';
import { lastApplied, withLastApplied } from './last-applied.ts';
import { moveToServerSide } from './move-to-server-side.ts';
import { type MergeKeyOf, threeWayPatch } from './three-way-patch.ts';

export interface ApplyOptions {
  /** Who is the owner of what is written: several who apply the same file are one. */
  readonly fieldManager?: string | undefined;
  /** What the server does with unknown fields. */
  readonly validation?: 'Strict' | 'Warn' | 'Ignore';
  /** `client` reads and writes nothing; `server` runs everything but the storing. */
  readonly dryRun?: 'none' | 'client' | 'server';
  /** The server computes the change by who owns which field. */
  readonly serverSide?: boolean;
  /** With `serverSide`: take fields that others own. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

export interface Applied {
  readonly object: ApiObject;
  readonly action: 'created' | 'configured' | 'unchanged' | 'serverside-applied';
}

/** kubectl's own names: who applies with the one and then the other program stays the same owner. */
const CLIENT_SIDE_MANAGER = 'kubectl-client-side-apply';
const SERVER_SIDE_MANAGER = 'kubectl';

/** Lists of Kubernetes' own kinds that several may add to, by their last two fields. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  'spec.ports': 'port',
  imagePullSecrets: 'name',
  secrets: 'name',
  'metadata.ownerReferences': 'uid',
};

/**
 * Makes an object of the API what `wanted` says, and leaves alone what others have set, as
 * `kubectl apply` does.
 *
 * @throws {ApiError} what the server refuses.
 */
export async function applyObject(
  client: ApiClient,
  { resource, wanted }: { readonly resource: ApiResource; readonly wanted: ApiObject },
  options: ApplyOptions = {},
): Promise<Applied> {
  if (options.serverSide === true) return applyByServer(client, { resource, wanted }, options);
  const { signal, dryRun = 'none', validation = 'Strict' } = options;
  const common = signal === undefined ? {} : { signal };
  const { name, namespace } = wanted.metadata;
  const path = pathOf(resource, { namespace, name });
  const modified = withLastApplied(wanted);
  const query = {
    fieldManager: options.fieldManager ?? CLIENT_SIDE_MANAGER,
    fieldValidation: validation,
    dryRun: dryRun === 'server' ? 'All' : undefined,
  };
  const current = await existing(client, path, signal);
  if (current === undefined) {
    if (dryRun === 'client') return { object: wanted, action: 'created' };
    const collection = pathOf(resource, { namespace });
    const call = { ...common, method: 'POST', path: collection, query, body: modified } as const;
    return { object: await client.json<ApiObject>(call), action: 'created' };
  }
  const { contentType, mergeKeyOf } = patchFormOf(resource);
  const states = { original: lastApplied(current), modified, current };
  const patch = threeWayPatch(states, mergeKeyOf);
  if (patch === undefined) return { object: current, action: 'unchanged' };
  if (dryRun === 'client') return { object: wanted, action: 'configured' };
  const call = { ...common, method: 'PATCH', path, query, body: patch, contentType } as const;
  const object = await client.json<ApiObject>(call);
  const same = object.metadata.resourceVersion === current.metadata.resourceVersion;
  // Of a dry run the version never changes.
  return { object, action: same && dryRun === 'none' ? 'unchanged' : 'configured' };
}

async function applyByServer(
  client: ApiClient,
  { resource, wanted }: { readonly resource: ApiResource; readonly wanted: ApiObject },
  { fieldManager = SERVER_SIDE_MANAGER, validation = 'Strict', ...options }: ApplyOptions,
): Promise<Applied> {
  const { name, namespace } = wanted.metadata;
  const path = pathOf(resource, { namespace, name });
  const common = options.signal === undefined ? {} : { signal: options.signal };
  const dryRun = options.dryRun === 'server' ? 'All' : undefined;
  const send = (): Promise<ApiObject> =>
    client.json<ApiObject>({
      ...{ ...common, method: 'PATCH', path, body: wanted },
      query: { fieldManager, fieldValidation: validation, force: options.force === true, dryRun },
      contentType: 'application/apply-patch+yaml',
    });
  let object = await send();
  const manager = { manager: fieldManager, clientSide: CLIENT_SIDE_MANAGER };
  const move = dryRun === undefined ? moveToServerSide(object, manager) : undefined;
  if (move !== undefined) {
    const contentType = 'application/json-patch+json';
    await client.json({ ...common, method: 'PATCH', path, body: move, contentType });
    // What was applied client-side and is not in the file any more goes now.
    object = await send();
  }
  return { object, action: 'serverside-applied' };
}

/** The object as it is; undefined when there is none. */
async function existing(
  client: ApiClient,
  path: string,
  signal: AbortSignal | undefined,
): Promise<ApiObject | undefined> {
  try {
    return await client.json<ApiObject>({ path, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (ApiError.because(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** Kubernetes' own kinds know strategic merge, all others JSON merge patches only. */
function patchFormOf({ group }: ApiResource): {
  readonly contentType: string;
  readonly mergeKeyOf?: MergeKeyOf;
} {
  if (!isKubernetesOwn(group)) return { contentType: 'application/merge-patch+json' };
  return {
    contentType: 'application/strategic-merge-patch+json',
    mergeKeyOf: (path) => MERGE_KEYS[path.join('.')],
  };
}

/** Whether a group has kinds that Kubernetes has built in. */
export function isKubernetesOwn(group: string): boolean {
  if (group === 'apiextensions.k8s.io') return false;
  return !group.includes('.') || group.endsWith('.k8s.io');
}
