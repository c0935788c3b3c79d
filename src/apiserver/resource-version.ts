import type { ApiRequest } from './api-request.ts';
import { badRequest, StatusError } from './status-error.ts';

/** From which state a list or watch is wished. */
export type WishedVersion =
  | { readonly version: 'newest' }
  | { readonly version: number; readonly match: 'exact' | 'not-older' };

/**
 * Reads `resourceVersion` and `resourceVersionMatch`. `0` and no version both mean the newest: we have no
 * older cache that would be cheaper.
 *
 * @throws {StatusError} BadRequest.
 */
export function wishedVersion({ query }: Pick<ApiRequest, 'query'>): WishedVersion {
  const text = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  if (!['', 'Exact', 'NotOlderThan'].includes(match)) {
    throw badRequest(
      `resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan"`,
    );
  }
  if (text === '' || text === '0') {
    if (match === 'Exact') {
      throw badRequest(
        'resourceVersionMatch: Forbidden: resourceVersionMatch "Exact" is forbidden for resourceVersion "0" or none',
      );
    }
    return { version: 'newest' };
  }
  return { version: parseVersion(text), match: match === 'Exact' ? 'exact' : 'not-older' };
}

function parseVersion(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badRequest(
    `Invalid value: ${JSON.stringify(text.slice(0, 40))}: resourceVersion must be a whole number`,
  );
}

/** A version that the store has not reached: after a restore from a backup, say. */
export function tooLarge(wished: number, current: number): StatusError {
  return new StatusError('Timeout', `Too large resource version: ${wished}, current: ${current}`, {
    causes: [
      { reason: 'ResourceVersionTooLarge', message: 'Too large resource version', field: '' },
    ],
    retryAfterSeconds: 1,
  });
}

/** The version is too long ago. */
export function expired(message: string, continueToken?: string): StatusError {
  return new StatusError(
    'Expired',
    message,
    undefined,
    continueToken === undefined ? {} : { continueToken },
  );
}
