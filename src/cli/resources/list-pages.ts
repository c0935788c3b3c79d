import type { ApiClient } from '../../apiclient/api-client.ts';
import { type ApiResource, pathOf } from '../../apiclient/discovery.ts';

export interface ListOptions {
  /** Undefined for all namespaces. */
  readonly namespace: string | undefined;
  readonly selector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects in one answer; 0 for all at once. Default 500. */
  readonly chunkSize?: number | undefined;
  readonly accept?: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
}

interface Page {
  readonly metadata?: { readonly continue?: string; readonly resourceVersion?: string };
}

const CHUNK = 500;

/** The answers of a list, page by page, so that none of them is huge. */
export async function* listPages<T extends Page>(
  client: ApiClient,
  resource: ApiResource,
  options: ListOptions,
): AsyncGenerator<T> {
  const { namespace, selector, fieldSelector, chunkSize = CHUNK, accept } = options;
  let next: string | undefined;
  do {
    const page: T = await client.json<T>({
      path: pathOf(resource, { namespace }),
      query: {
        ...options.query,
        labelSelector: selector,
        fieldSelector,
        limit: chunkSize > 0 ? chunkSize : undefined,
        continue: next,
      },
      ...(accept === undefined ? {} : { accept }),
    });
    yield page;
    next = page.metadata?.continue === '' ? undefined : page.metadata?.continue;
  } while (next !== undefined);
}
