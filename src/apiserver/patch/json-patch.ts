import jsonPatch, { type Operation } from 'fast-json-patch';
import type { Json } from '../../resources/json-tree.ts';
import { isJsonObject, type JsonObject } from '../bodies/json-object.ts';
import { badRequest, StatusError } from '../status-error.ts';

/** As many as Kubernetes takes. */
const MOST_OPERATIONS = 10_000;
const OPERATIONS = ['add', 'remove', 'replace', 'move', 'copy', 'test'];
/** What would reach an object's prototype, were it followed. */
const DANGEROUS = /(?:^|\/)(?:__proto__|constructor|prototype)(?:\/|$)/;
/** A copy may double its source, again and again. */
const LARGEST_COPIED_BYTES = 3 * 1024 * 1024;

/**
 * RFC 6902 on a copy of `target`.
 *
 * @throws {StatusError} BadRequest for what is no patch; Invalid when an operation does not apply,
 *   a test that fails included; RequestEntityTooLarge when the result is too big.
 */
export function applyJsonPatch(target: JsonObject, patch: Json): JsonObject {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations');
  if (patch.length > MOST_OPERATIONS) {
    throw new StatusError(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${MOST_OPERATIONS}, got ${patch.length}`,
    );
  }
  let result: unknown = structuredClone(target);
  let copied = 0;
  for (const [index, operation] of patch.entries()) {
    const checked = checkedOperation(operation, index);
    copied += copiedBytes(result, checked);
    if (copied > LARGEST_COPIED_BYTES) {
      throw new StatusError(
        'RequestEntityTooLarge',
        `the copy operations of the JSON patch come to more than ${LARGEST_COPIED_BYTES} bytes`,
      );
    }
    result = applyOne(result, checked, index);
  }
  if (isJsonObject(result)) return result;
  throw refusal(0, 'the result is not an object');
}

/** How much an operation adds that is not in the patch itself: forty copies could fill the memory. */
function copiedBytes(document: unknown, operation: Operation): number {
  if (operation.op !== 'copy') return 0;
  try {
    const value: unknown = jsonPatch.getValueByPointer(document, operation.from);
    return JSON.stringify(value)?.length ?? 0;
  } catch {
    return 0;
  }
}

function applyOne(document: unknown, operation: Operation, index: number): unknown {
  try {
    return jsonPatch.applyOperation(document, operation, true, true, true, index).newDocument;
  } catch (error) {
    const name = error instanceof jsonPatch.JsonPatchError ? error.name : 'it does not apply';
    throw refusal(index, `${operation.op} ${JSON.stringify(operation.path)}: ${name}`);
  }
}

function checkedOperation(operation: Json, index: number): Operation {
  if (!isJsonObject(operation))
    throw badRequest(`operation ${index} of the JSON patch is no object`);
  const { op, path, from } = operation;
  if (typeof op !== 'string' || !OPERATIONS.includes(op)) {
    throw badRequest(`operation ${index} of the JSON patch: unknown op ${JSON.stringify(op)}`);
  }
  for (const pointer of [path, from]) {
    if (pointer === undefined) continue;
    if (typeof pointer !== 'string' || DANGEROUS.test(pointer)) {
      throw badRequest(
        `operation ${index} of the JSON patch: ${JSON.stringify(pointer)} is no path here`,
      );
    }
  }
  if (path === undefined) throw badRequest(`operation ${index} of the JSON patch has no path`);
  return operation as unknown as Operation;
}

function refusal(index: number, why: string): StatusError {
  return new StatusError(
    'Invalid',
    `the server rejected our request due to an error in our request: operation ${index} of the JSON patch: ${why}`,
    {},
  );
}
