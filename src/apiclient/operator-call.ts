import { MeshError } from '../lib/errors.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError } from './api-error.ts';

export interface OperatorCall {
  readonly method: 'GET' | 'POST';
  /** Below `/hauberk`: `/v1/ca/status`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Default 30 s. */
  readonly timeoutMs?: number;
}

/**
 * Asks a control plane what no Kubernetes knows.
 *
 * @throws {MeshError} what it answered; ERR_NOT_FOUND from a server that is none of ours.
 */
export async function operatorCall<T>(client: ApiClient, call: OperatorCall): Promise<T> {
  try {
    return await client.json<T>({ ...call, path: `/hauberk${call.path}` });
  } catch (error) {
    const unknown =
      ApiError.because(error, 'NotFound') && error.status.details.causes === undefined;
    if (!unknown) throw error;
    const { server, source } = client.access;
    throw new MeshError(
      'ERR_NOT_FOUND',
      `${server.origin}, which ${source} names, does not know ${call.path}: it is no Hauberk control plane, or another version`,
      { cause: error },
    );
  }
}
