import { setTimeout as delay } from 'node:timers/promises';
import { MeshError, messageOf } from '../../lib/errors.ts';

/** Thrown by a probe that knows that waiting longer is of no use. */
export class NoUseWaiting extends Error {}

const POLL_MS = 50;

/**
 * Asks `probe` every 50 ms until it answers anything but false or undefined, and gives that back.
 *
 * @throws {MeshError} ERR_UNREACHABLE naming `what`, when it did not in time or was of no use.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | false | undefined>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      if (error instanceof NoUseWaiting)
        throw new MeshError('ERR_UNREACHABLE', `${what}: ${error.message}`);
      last = error;
    }
    await delay(POLL_MS);
  }
  const why = last === undefined ? '' : ` (${messageOf(last)})`;
  throw new MeshError('ERR_UNREACHABLE', `${what}: not within ${timeoutMs / 1_000} s${why}`, {
    cause: last,
  });
}
