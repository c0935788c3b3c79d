import type { Resource } from '../../resources/resource.ts';
import type { ApiContext } from '../api-context.ts';
import { type ApiAnswer, jsonAnswer } from '../api-request.ts';
import { decodeObject } from '../bodies/decode-body.ts';
import { fieldIn, type JsonObject } from '../bodies/json-object.ts';
import { objectQuery } from '../reads/object-query.ts';
import { objectAnswer, present, requireObject } from '../reads/read-objects.ts';
import { chooseRepresentation } from '../reads/representation.ts';
import { type ResourceCall, wholeNumber } from '../resource-call.ts';
import { checkPreconditions } from '../rights/check-identity.ts';
import { badRequest, forbidden } from '../status-error.ts';
import { deleteAll } from './finish-deletion.ts';
import { isDryRun, writeOptions } from './write-options.ts';

interface DeleteOptions {
  readonly dryRun: boolean;
  readonly orphan: boolean;
  /** `metadata` with the uid and version that the object must have. */
  readonly preconditions: JsonObject;
}

/** DELETE of one object. */
export async function deleteObject(call: ResourceCall, context: ApiContext): Promise<ApiAnswer> {
  const representation = chooseRepresentation(call.request.headers['accept']);
  const options = deleteOptions(call);
  const live = await requireObject(call, context);
  checkPreconditions({ metadata: options.preconditions }, live, call);
  await admitDeletion(call, live, context);
  if (!options.dryRun) await remove(call, [live], { options, context });
  const left = options.dryRun ? undefined : await context.store.get(keyOfLive(call, live));
  if (left !== undefined && left.metadata.uid === live.metadata.uid) {
    return objectAnswer(left, { call, context, representation });
  }
  if (call.definition.answersDeleted === true) {
    return objectAnswer(live, { call, context, representation });
  }
  return jsonAnswer(deletedStatus(call, live));
}

/** DELETE of a collection: of all that the selectors take. */
export async function deleteCollection(
  call: ResourceCall,
  context: ApiContext,
): Promise<ApiAnswer> {
  const options = deleteOptions(call);
  const query = objectQuery(call);
  wholeNumber(call.request.query, 'timeoutSeconds');
  const { items, version } = await present(call, query, context);
  const doomed = items.filter((item) => query.matches(item));
  for (const item of doomed) await admitDeletion(call, item, context);
  if (!options.dryRun && doomed.length > 0) await remove(call, doomed, { options, context });
  const kind = call.definition.listKind ?? `${call.definition.kind}List`;
  return jsonAnswer({
    kind,
    apiVersion: call.apiVersion,
    metadata: { resourceVersion: String(options.dryRun ? version : context.store.version) },
    items: doomed,
  });
}

async function remove(
  call: ResourceCall,
  roots: readonly Resource[],
  { options, context }: { readonly options: DeleteOptions; readonly context: ApiContext },
): Promise<void> {
  const { fieldManager } = writeOptions(call.request);
  // Without finalizers there is nobody to wait for; those that wait already stay as they are.
  const fresh = roots.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (fresh.length === 0) return;
  await deleteAll(call, { roots: fresh, fieldManager, orphan: options.orphan }, context);
}

async function admitDeletion(
  call: ResourceCall,
  live: Resource,
  { admission, lastingNamespaces }: ApiContext,
): Promise<void> {
  const { definition, request, what } = call;
  const { name } = live.metadata;
  if (call.kind === 'Namespace' && lastingNamespaces.includes(name)) {
    throw forbidden(what, name, 'this namespace may not be deleted');
  }
  const review = { user: request.user, definition, resource: live, live, deletion: true };
  for (const check of admission) call.warnings.push(...(await check(review)));
}

function keyOfLive({ kind }: ResourceCall, { metadata: { name, namespace } }: Resource) {
  return namespace === undefined ? { kind, name } : { kind, namespace, name };
}

function deletedStatus({ what, definition }: ResourceCall, { metadata }: Resource): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: metadata.name,
      ...(definition.group === '' ? {} : { group: definition.group }),
      kind: what.resource,
      uid: metadata.uid,
    },
  };
}

function deleteOptions({ request }: ResourceCall): DeleteOptions {
  const body: JsonObject = request.body.length === 0 ? {} : decodeObject(request);
  const given = fieldIn(body, 'dryRun');
  const dryRun = isDryRun([
    ...request.query.getAll('dryRun'),
    ...(Array.isArray(given) ? given.map(String) : []),
  ]);
  const preconditions = fieldIn(body, 'preconditions');
  const policy = String(
    fieldIn(body, 'propagationPolicy') ?? request.query.get('propagationPolicy') ?? 'Background',
  );
  if (!['Background', 'Foreground', 'Orphan'].includes(policy)) {
    throw badRequest(
      `propagationPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan"`,
    );
  }
  return {
    dryRun,
    orphan: policy === 'Orphan' || fieldIn(body, 'orphanDependents') === true,
    preconditions: (preconditions ?? {}) as JsonObject,
  };
}
