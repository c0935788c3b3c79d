import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { type ChainVerdict, verifyChain } from '../../telemetry/audit-chain.ts';

export type { ChainVerdict } from '../../telemetry/audit-chain.ts';

/**
 * Follows the chain of an audit log from its first line to its last.
 *
 * @param expectedHead The hash of a line that was seen before, as an earlier verification printed it.
 * @throws {MeshError} ERR_STORE when the file cannot be read.
 */
export async function verifyAuditFile(path: string, expectedHead?: string): Promise<ChainVerdict> {
  const input = createReadStream(path);
  try {
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
    return await verifyChain(lines, expectedHead);
  } catch (cause) {
    throw new MeshError('ERR_STORE', `cannot read "${path}": ${messageOf(cause)}`, { cause });
  } finally {
    input.destroy();
  }
}
