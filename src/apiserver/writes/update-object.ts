import type { Resource } from '../../resources/resource.ts';
import type { ApiContext } from '../api-context.ts';
import type { ApiAnswer } from '../api-request.ts';
import { bodyType, decodeObject, decodeYaml } from '../bodies/decode-body.ts';
import { isJsonObject, type JsonObject, thawed, withField } from '../bodies/json-object.ts';
import { inApiVersion } from '../bodies/object-json.ts';
import { objectSchema } from '../discovery/api-schema.ts';
import { APPLY_TYPE, applyPatch } from '../patch/apply-patch.ts';
import { refuseManagedFields, serverSideApply } from '../patch/server-side-apply.ts';
import { ownedByUpdate, withManagedFields } from '../patch/write-ownership.ts';
import { findObject, objectAnswer, requireObject } from '../reads/read-objects.ts';
import { chooseRepresentation } from '../reads/representation.ts';
import type { ResourceCall } from '../resource-call.ts';
import { checkIdentity, checkPreconditions } from '../rights/check-identity.ts';
import { badRequest, invalid, StatusError } from '../status-error.ts';
import { commitWrite, timestamp } from './commit-write.ts';
import { finishDeletion, isFinished } from './finish-deletion.ts';
import { companionsOf, requireNamespace } from './namespace-guard.ts';
import { prepareObject } from './prepare-object.ts';
import { type WriteOptions, writeOptions } from './write-options.ts';

/** As often as Kubernetes tries a patch again that somebody else came before. */
const ATTEMPTS = 5;

/** PUT of one object, or of its status. */
export async function replaceObject(call: ResourceCall, context: ApiContext): Promise<ApiAnswer> {
  const representation = chooseRepresentation(call.request.headers['accept']);
  const options = writeOptions(call.request);
  const wanted = checkIdentity(decodeObject(call.request), call);
  const live = await requireObject(call, context);
  const stored = await writeOver(call, { live, wanted, options }, context);
  return objectAnswer(stored, { call, context, representation });
}

/** PATCH of one object, or of its status. */
export async function patchObject(call: ResourceCall, context: ApiContext): Promise<ApiAnswer> {
  const representation = chooseRepresentation(call.request.headers['accept']);
  const options = writeOptions(call.request);
  const isApply = bodyType(call.request) === APPLY_TYPE;
  for (let attempt = 1; ; attempt += 1) {
    const warned = call.warnings.length;
    try {
      const { resource, created } = isApply
        ? await applyOnce(call, options, context)
        : { resource: await patchOnce(call, options, context), created: false };
      const status = created ? 201 : 200;
      return objectAnswer(resource, { call, context, representation, status });
    } catch (error) {
      if (!(error instanceof LostRace) || attempt === ATTEMPTS) throw unwrapped(error);
      call.warnings.length = warned;
    }
  }
}

/** Somebody else wrote between our reading and our writing: it is worth another try. */
class LostRace extends Error {}

function unwrapped(error: unknown): unknown {
  return error instanceof LostRace ? error.cause : error;
}

async function patchOnce(
  call: ResourceCall,
  options: WriteOptions,
  context: ApiContext,
): Promise<Resource> {
  const live = await requireObject(call, context);
  const before = thawed(inApiVersion(live, call.apiVersion));
  const patched = applyPatch(before, call.request, call);
  const wanted = checkIdentity(patched, call);
  // Here the patch itself asks for a version, and then it is not tried again.
  checkPreconditions(wanted, live, call);
  return racing(() => writeOver(call, { live, wanted, options }, context));
}

async function racing<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const reason = error instanceof StatusError ? error.status.reason : undefined;
    const applied = error instanceof StatusError && error.status.details?.causes !== undefined;
    if ((reason === 'Conflict' && !applied) || reason === 'AlreadyExists') {
      throw new LostRace('', { cause: error });
    }
    throw error;
  }
}

/** Stores `wanted` in the place of `live`, with every check of an update. */
export async function writeOver(
  call: ResourceCall,
  {
    live,
    wanted,
    options,
  }: { readonly live: Resource; readonly wanted: JsonObject; readonly options: WriteOptions },
  context: ApiContext,
): Promise<Resource> {
  checkPreconditions(wanted, live, call);
  const { fieldValidation, fieldManager: manager } = options;
  const { kinds, clock } = context;
  const split = splitStatus(wanted, live, call);
  const prepared = prepareObject(split, { call, live, kinds, fieldValidation });
  const nowMs = clock.now();
  const resource = ownedByUpdate(prepared, { call, live, wanted: split, manager, nowMs });
  return store(call, { live, resource, options }, context);
}

/** Below `/status` only the status counts, on the object's own path everything else does. */
function splitStatus(
  wanted: JsonObject,
  live: Resource,
  { definition, target }: ResourceCall,
): JsonObject {
  if (definition.subresources?.status !== true) return wanted;
  const before = thawed(live);
  if (target.subresource !== 'status') return withField(wanted, 'status', before['status']);
  const { managedFields } = (wanted['metadata'] ?? {}) as JsonObject;
  const metadata = before['metadata'] as JsonObject;
  return {
    ...withField(before, 'status', wanted['status']),
    metadata: withField(metadata, 'managedFields', managedFields),
    apiVersion: wanted['apiVersion'] ?? live.apiVersion,
  };
}

async function store(
  call: ResourceCall,
  write: { readonly live: Resource; readonly resource: Resource; readonly options: WriteOptions },
  context: ApiContext,
): Promise<Resource> {
  checkFinalizers(write.resource, write.live, call);
  if (!isFinished(write.resource)) return commitWrite(call, write, context);
  return finishDeletion(call, write, context);
}

function checkFinalizers(
  { metadata }: Resource,
  live: Resource,
  { definition }: ResourceCall,
): void {
  if (live.metadata.deletionTimestamp === undefined) return;
  const added = (metadata.finalizers ?? []).filter(
    (finalizer) => !live.metadata.finalizers?.includes(finalizer),
  );
  if (added.length === 0) return;
  const { kind, group } = definition;
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
  throw invalid({ kind, group, name: metadata.name }, [
    { reason: 'FieldValueForbidden', message, field: 'metadata.finalizers' },
  ]);
}

async function applyOnce(
  call: ResourceCall,
  options: WriteOptions,
  context: ApiContext,
): Promise<{ readonly resource: Resource; readonly created: boolean }> {
  const { definition, version, apiVersion, target } = call;
  const config = applyConfig(call);
  const live = await findObject(call, context);
  if (live === undefined && target.subresource !== undefined) {
    throw new StatusError('NotFound', `${definition.plural} "${target.name ?? ''}" not found`);
  }
  if (live !== undefined) checkPreconditions(config, live, call);
  const { fieldManager: manager, fieldValidation, force } = options;
  const nowMs = context.clock.now();
  const subresource = target.subresource ?? '';
  const applied = serverSideApply({
    live: live === undefined ? undefined : thawed(inApiVersion(live, apiVersion)),
    config,
    schema: objectSchema(definition, version),
    writer: { manager, operation: 'Apply', apiVersion, subresource, time: timestamp(nowMs) },
    force,
  });
  const { kinds } = context;
  const split = live === undefined ? applied.object : splitStatus(applied.object, live, call);
  const prepared = prepareObject(split, { call, live, kinds, fieldValidation });
  const resource = withManagedFields(prepared, applied.entries);
  if (live !== undefined) {
    const write = { live, resource, options };
    return { resource: await racing(() => store(call, write, context)), created: false };
  }
  await requireNamespace(call, resource.metadata.name, context);
  const write = { live, resource, options, companions: companionsOf(resource) };
  return { resource: await racing(() => commitWrite(call, write, context)), created: true };
}

/** What is applied, of which only the status counts below `/status` and everything else on the path itself. */
function applyConfig(call: ResourceCall): JsonObject {
  const { request, definition, target } = call;
  if ((request.query.get('fieldManager') ?? '') === '') {
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  }
  const body = decodeYaml(request.body);
  if (!isJsonObject(body)) throw badRequest('the applied configuration is not an object');
  if (body['apiVersion'] === undefined || body['kind'] === undefined) {
    throw badRequest('the applied configuration must have apiVersion and kind');
  }
  const config = checkIdentity(body, call);
  refuseManagedFields(config);
  if (definition.subresources?.status !== true) return config;
  if (target.subresource !== 'status') return withField(config, 'status', undefined);
  const { apiVersion = '', kind = '', metadata = {}, status } = config;
  const identity = { apiVersion, kind, metadata };
  return status === undefined ? identity : { ...identity, status };
}
