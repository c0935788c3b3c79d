import type { ApiClient } from '../../apiclient/api-client.ts';
import type { ApiList, ApiObject } from '../../apiclient/api-object.ts';
import type { ApiResource } from '../../apiclient/discovery.ts';
import { type ListOptions, listPages } from './list-pages.ts';

/** All objects of a list, read page by page. */
export async function listObjects(
  client: ApiClient,
  resource: ApiResource,
  options: ListOptions,
): Promise<readonly ApiObject[]> {
  const objects: ApiObject[] = [];
  for await (const { items = [] } of listPages<ApiList>(client, resource, options)) {
    objects.push(...items);
  }
  return objects;
}
