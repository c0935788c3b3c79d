import { MeshError } from '../../lib/errors.ts';
import { parseIpBlock } from '../../policy/ip-block.ts';
import { parseIp } from '../../policy/parse-ip.ts';

/**
 * Where the control plane does not go for what a resource names: itself, its own links, and the
 * metadata services of clouds. Who may write a RequestAuthentication must not read those.
 */
const BLOCKED: readonly string[] = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '100.100.100.200/32'],
  ...['::/128', '::1/128', 'fe80::/10', 'ff00::/8', 'fd00:ec2::254/128', 'fd20:ce::254/128'],
];

/**
 * Whether an address must not be connected to.
 *
 * @param allowed ranges that may be, although they are blocked for others.
 * @throws {MeshError} ERR_USAGE naming a range that is none.
 */
export function blockedAddresses(allowed: readonly string[]): (address: string) => boolean {
  const blocked = BLOCKED.map(blockOf);
  const open = allowed.map(blockOf);
  return (address) => {
    const ip = parseIp(address);
    if (ip === undefined) return true;
    if (open.some((block) => block.contains(ip))) return false;
    return blocked.some((block) => block.contains(ip));
  };
}

function blockOf(text: string): NonNullable<ReturnType<typeof parseIpBlock>> {
  const block = parseIpBlock(text);
  if (block !== undefined) return block;
  throw new MeshError('ERR_USAGE', `${JSON.stringify(text)} is no address or range of addresses`);
}
