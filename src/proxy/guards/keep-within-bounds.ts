import type { Clock } from '../../lib/clock.ts';
import type { ConnectionBounds } from '../../policy/upstream/connection-bounds.ts';
import type { ConnectionHandle } from '../connection-table.ts';

/** How exactly idleness is noticed: within this share of the time that is allowed. */
const LOOKS = 4;

/** Closes a connection that is older, or silent for longer, than its bounds allow, until `signal` aborts. */
export async function keepWithinBounds(
  connection: ConnectionHandle,
  { idleTimeoutMs, maxDurationMs }: Pick<ConnectionBounds, 'idleTimeoutMs' | 'maxDurationMs'>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const beganAtMs = clock.elapsedMs();
  let lastMs = beganAtMs;
  let seen = 0;
  while (!signal.aborted) {
    const nowMs = clock.elapsedMs();
    const bytes = connection.bytes();
    if (bytes !== seen) [seen, lastMs] = [bytes, nowMs];
    const ageLeftMs = (maxDurationMs ?? Infinity) - (nowMs - beganAtMs);
    const idleLeftMs = (idleTimeoutMs ?? Infinity) - (nowMs - lastMs);
    if (ageLeftMs <= 0) {
      connection.close('too-old', `open for ${maxDurationMs} ms, which is maxConnectionDuration`);
      return;
    }
    if (idleLeftMs <= 0) {
      connection.close('idle', `silent for ${idleTimeoutMs} ms, which is idleTimeout`);
      return;
    }
    const lookMs = Math.min(ageLeftMs, idleLeftMs, (idleTimeoutMs ?? Infinity) / LOOKS);
    if (!Number.isFinite(lookMs)) return;
    await clock.sleep(Math.max(1, lookMs), signal);
  }
}
