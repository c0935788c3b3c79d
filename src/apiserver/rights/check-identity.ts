import type { Resource } from '../../resources/resource.ts';
import { fieldIn, isJsonObject, type JsonObject, withField } from '../bodies/json-object.ts';
import type { ResourceCall } from '../resource-call.ts';
import { badRequest, conflict } from '../status-error.ts';

/**
 * The object with apiVersion, kind, namespace and name filled in from the path where they are left out.
 *
 * @throws {StatusError} BadRequest where body and path say different things.
 */
export function checkIdentity(object: JsonObject, call: ResourceCall): JsonObject {
  const { apiVersion, definition, target } = call;
  const given = { apiVersion: object['apiVersion'] ?? '', kind: object['kind'] ?? '' };
  if (given.apiVersion !== '' && given.apiVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${String(given.apiVersion)}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (given.kind !== '' && given.kind !== definition.kind) {
    throw badRequest(
      `${definition.kind} in version ${JSON.stringify(call.version)} cannot be handled as a ${definition.kind}: the object provided is a ${JSON.stringify(given.kind)}`,
    );
  }
  const written = fieldIn(object, 'metadata') ?? {};
  if (!isJsonObject(written)) throw badRequest('metadata must be an object');
  const metadata = withNamespace(withName(written, target.name), call);
  return { ...object, apiVersion, kind: definition.kind, metadata };
}

function withName(metadata: JsonObject, expected: string | undefined): JsonObject {
  const name = fieldIn(metadata, 'name') ?? '';
  if (expected === undefined) return metadata;
  if (name === '') return { ...metadata, name: expected };
  if (name === expected) return metadata;
  throw badRequest(
    `the name of the object (${String(name)}) does not match the name on the URL (${expected})`,
  );
}

function withNamespace(metadata: JsonObject, { target, definition }: ResourceCall): JsonObject {
  const namespace = fieldIn(metadata, 'namespace') ?? '';
  if (!definition.namespaced) return withField(metadata, 'namespace', undefined);
  const expected = target.namespace;
  if (expected === undefined)
    throw badRequest('an object of this kind is in a namespace: the path must name it');
  if (namespace === '' || namespace === expected) return { ...metadata, namespace: expected };
  throw badRequest(
    'the namespace of the provided object does not match the namespace sent on the request',
  );
}

/** @throws {StatusError} Conflict when the writer had another object, or another version of it, in mind. */
export function checkPreconditions(object: JsonObject, live: Resource, call: ResourceCall): void {
  const metadata = fieldIn(object, 'metadata');
  const version = fieldIn(metadata, 'resourceVersion') ?? '';
  const uid = fieldIn(metadata, 'uid') ?? '';
  const { name } = live.metadata;
  if (uid !== '' && uid !== live.metadata.uid) {
    throw conflict(
      call.what,
      name,
      `Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: ${live.metadata.uid ?? ''}`,
    );
  }
  if (version !== '' && version !== live.metadata.resourceVersion) throw conflict(call.what, name);
}
