import type { ApiContext } from '../api-context.ts';
import type { ApiAnswer } from '../api-request.ts';
import { decodeObject } from '../bodies/decode-body.ts';
import { fieldIn, type JsonObject, withField } from '../bodies/json-object.ts';
import { ownedByUpdate } from '../patch/write-ownership.ts';
import { objectAnswer } from '../reads/read-objects.ts';
import { chooseRepresentation } from '../reads/representation.ts';
import type { ResourceCall } from '../resource-call.ts';
import { checkIdentity } from '../rights/check-identity.ts';
import { withGeneratedName } from '../server-metadata.ts';
import { badRequest } from '../status-error.ts';
import { commitWrite } from './commit-write.ts';
import { companionsOf, requireNamespace } from './namespace-guard.ts';
import { prepareObject } from './prepare-object.ts';
import { writeOptions } from './write-options.ts';

/** POST to a collection. */
export async function createObject(call: ResourceCall, context: ApiContext): Promise<ApiAnswer> {
  const { request, definition } = call;
  const representation = chooseRepresentation(request.headers['accept']);
  const options = writeOptions(request);
  const wanted = withoutStatus(
    withGeneratedName(checkIdentity(decodeObject(request), call)),
    definition.subresources?.status === true,
  );
  if (String(fieldIn(fieldIn(wanted, 'metadata'), 'resourceVersion') ?? '') !== '') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  const { kinds, clock } = context;
  const { fieldValidation, fieldManager } = options;
  const prepared = prepareObject(wanted, { call, live: undefined, kinds, fieldValidation });
  await requireNamespace(call, prepared.metadata.name, context);
  const resource = ownedByUpdate(prepared, {
    call,
    live: undefined,
    wanted,
    manager: fieldManager,
    nowMs: clock.now(),
  });
  const companions = companionsOf(resource);
  const stored = await commitWrite(
    call,
    { resource, live: undefined, options, companions },
    context,
  );
  return objectAnswer(stored, { call, context, representation, status: 201 });
}

function withoutStatus(object: JsonObject, hasStatusPath: boolean): JsonObject {
  return hasStatusPath ? withField(object, 'status', undefined) : object;
}
