import type { MonitoringAddress } from '../../app/monitoring.ts';
import { parseAddress } from '../address.ts';

/**
 * Where a program is watched: as the flag says; undefined for `off`. Without the flag on the loopback
 * at the usual port, which is given up when another program has it.
 *
 * @throws {MeshError} ERR_USAGE quoting the text.
 */
export function monitoringAddress(
  text: string | undefined,
  usualPort: number,
): MonitoringAddress | undefined {
  if (text === 'off') return undefined;
  return text === undefined
    ? { listen: { host: '127.0.0.1', port: usualPort }, required: false }
    : { listen: parseAddress(text), required: true };
}
