import type { KindDefinition } from '../../resources/kind-definition.ts';
import type { ApiRequest } from '../api-request.ts';
import { bodyType, decodeJson } from '../bodies/decode-body.ts';
import { isJsonObject, type JsonObject } from '../bodies/json-object.ts';
import { objectSchema } from '../discovery/api-schema.ts';
import { badRequest, StatusError } from '../status-error.ts';
import { applyJsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMerge } from './strategic-merge.ts';

export const APPLY_TYPE = 'apply-patch+yaml';

/**
 * `object` after the patch in the body of `request`, by its Content-Type.
 *
 * @throws {StatusError} UnsupportedMediaType for a strategic merge where the kind has none.
 */
export function applyPatch(
  object: JsonObject,
  request: Pick<ApiRequest, 'headers' | 'body'>,
  { definition, version }: { readonly definition: KindDefinition; readonly version: string },
): JsonObject {
  const type = bodyType(request);
  if (type === 'json-patch+json') return applyJsonPatch(object, decodeJson(request.body));
  if (type === 'merge-patch+json')
    return objectOf(mergePatch(object, objectOf(decodeJson(request.body))));
  if (type === 'strategic-merge-patch+json' && definition.strategicMerge === true) {
    const patch = objectOf(decodeJson(request.body));
    return strategicMerge(object, patch, objectSchema(definition, version));
  }
  throw wrongType(definition);
}

function wrongType({ strategicMerge: strategic }: KindDefinition): StatusError {
  const taken = ['application/json-patch+json', 'application/merge-patch+json'];
  if (strategic === true) taken.push('application/strategic-merge-patch+json');
  taken.push(`application/${APPLY_TYPE}`);
  return new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${taken.join(', ')}`,
  );
}

function objectOf(value: unknown): JsonObject {
  if (isJsonObject(value)) return value;
  throw badRequest('the patch is not an object');
}
