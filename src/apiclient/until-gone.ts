import { setTimeout as delay } from 'node:timers/promises';
import { MeshError } from '../lib/errors.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError } from './api-error.ts';
import type { ApiObject } from './api-object.ts';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;
const WEEK_MS = 7 * 86_400_000;

/**
 * Returns when the object at `path`, or the one that has that uid, is there no more.
 *
 * @throws {MeshError} ERR_UNREACHABLE after `timeoutMs` (0: a week), naming the finalizers that hold it.
 */
export async function untilGone(
  client: ApiClient,
  {
    path,
    uid,
    timeoutMs,
  }: { readonly path: string; readonly uid?: string; readonly timeoutMs: number },
): Promise<void> {
  const deadlineMs = performance.now() + (timeoutMs === 0 ? WEEK_MS : timeoutMs);
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const found = await still(client, path);
    if (found === undefined || (uid !== undefined && found.metadata.uid !== uid)) return;
    if (performance.now() >= deadlineMs) throw held(found);
    await delay(pauseMs);
  }
}

async function still(client: ApiClient, path: string): Promise<ApiObject | undefined> {
  try {
    return await client.json<ApiObject>({ path });
  } catch (error) {
    if (ApiError.because(error, 'NotFound')) return undefined;
    throw error;
  }
}

function held({ kind, metadata }: ApiObject): MeshError {
  const finalizers = metadata['finalizers'];
  const by = Array.isArray(finalizers) && finalizers.length > 0 ? finalizers.join(', ') : undefined;
  const why = by === undefined ? '' : `: its finalizers hold it (${by})`;
  return new MeshError(
    'ERR_UNREACHABLE',
    `timed out waiting for ${kind} "${metadata.name}" to be gone${why}`,
  );
}
