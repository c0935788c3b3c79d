import type { ApiObject } from './api-object.ts';
import type { ApiResource } from './discovery.ts';

/** `object` in the namespace that it names or `fallback`; in none where its kind has none. */
export function placed(
  object: ApiObject,
  { namespaced }: Pick<ApiResource, 'namespaced'>,
  fallback = 'default',
): ApiObject {
  const { namespace, ...metadata } = object.metadata;
  if (!namespaced) return { ...object, metadata };
  const own = namespace === undefined || namespace === '' ? fallback : namespace;
  return { ...object, metadata: { ...metadata, namespace: own } };
}
