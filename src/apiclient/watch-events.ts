import { MeshError } from '../lib/errors.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError, statusIn } from './api-error.ts';

/** One change as a watch tells of it. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
}

export interface WatchOptions<T> {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly accept?: string;
  readonly signal: AbortSignal;
  /** Reads what is there now and returns its version; called again when the server has forgotten. */
  readonly list: () => Promise<string>;
  readonly versionOf: (object: T) => string | undefined;
}

const GONE = 410;

/**
 * Every change after `list`, until `signal` aborts. A stream that the server ends is taken up where
 * it was; what the server has forgotten meanwhile is listed anew.
 *
 * @throws {ApiError} what the server says; ERR_UNREACHABLE when it is away.
 */
export async function* watchEvents<T>(
  client: ApiClient,
  options: WatchOptions<T>,
): AsyncGenerator<WatchEvent<T>> {
  const { signal, list, versionOf } = options;
  let version: string | undefined;
  while (!signal.aborted) {
    version ??= await list();
    try {
      for await (const { type, object } of oneStream<T>(client, version, options)) {
        version = versionOf(object) ?? version;
        if (type !== 'BOOKMARK') yield { type, object };
      }
    } catch (error) {
      if (!signal.aborted && !isForgotten(error)) throw error;
      version = undefined;
    }
  }
}

function isForgotten(error: unknown): boolean {
  return error instanceof ApiError && error.status.code === GONE;
}

interface RawEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

async function* oneStream<T>(
  client: ApiClient,
  resourceVersion: string,
  { path, query, accept, signal }: WatchOptions<T>,
): AsyncGenerator<RawEvent<T>> {
  const lines = client.lines({
    path,
    query: { ...query, watch: true, allowWatchBookmarks: true, resourceVersion },
    ...(accept === undefined ? {} : { accept }),
    signal,
  });
  for await (const line of lines) {
    if (line === '') continue;
    const event = eventOf<T>(line);
    if (event.type !== 'ERROR') yield event;
    else {
      const { code = 500 } = event.object as { readonly code?: number };
      throw new ApiError(statusIn(code, JSON.stringify(event.object)));
    }
  }
}

function eventOf<T>(
  line: string,
): RawEvent<T> | { readonly type: 'ERROR'; readonly object: unknown } {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new MeshError('ERR_WIRE', 'the server’s stream of changes has a line that is no JSON', {
      cause,
    });
  }
}
